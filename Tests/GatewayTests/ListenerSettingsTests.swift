import Testing

@testable import Gateway

/// What settings of listeners need of each other.
@Suite struct ListenerSettingsTests {
    @Test("TLS in front needs its address and its folder")
    func tlsSettings() {
        let address = ["--tls-listen", "127.0.0.1:1"]
        #expect(SettingsReading.mistakes(address + ["--tls-certificates", "/tmp"]) == [])
        for folder in ["/nonexistent", "/dev/null"] {
            #expect(
                SettingsReading.mistakes(address + ["--tls-certificates", folder]).contains {
                    $0.contains(folder)
                })
        }
        #expect(
            SettingsReading.mistakes(address).count == 1
                && SettingsReading.mistakes(["--tls-certificates", "/tmp"]).count == 1)
    }

    @Test(
        "A listener for questions needs networks or a secret, and a port of its own",
        arguments: ["--forward-auth-listen", "--ext-authz-listen"])
    func listenersForQuestions(flag: String) {
        let address = [flag, "127.0.0.1:1"]
        let told = SettingsReading.mistakes(address)
        #expect(told.count == 1 && told[0].contains("POOLGATE_TRUSTED_CALLERS"))
        #expect(SettingsReading.mistakes(address + ["--trusted-callers", "127.0.0.1"]) == [])
        #expect(SettingsReading.mistakes(address + ["--caller-secret", "s"]) == [])
        let open = [flag, "0.0.0.0:1", "--caller-secret"]
        #expect(SettingsReading.mistakes(open + [String(repeating: "s", count: 16)]) == [])
        #expect(SettingsReading.mistakes(open + [String(repeating: "s", count: 15)]).count == 1)
        for other in ["--listen", "--admin-listen", "--tls-listen=127.0.0.1:1"] {
            let taken = other.contains("=") ? [other, "--tls-certificates", "/tmp"] : [other, "127.0.0.1:1"]
            #expect(
                SettingsReading.mistakes(address + ["--caller-secret", "s"] + taken)
                    == ["\(flag) is 127.0.0.1:1, as another listener is: give it a port of its own"])
        }
    }
}
