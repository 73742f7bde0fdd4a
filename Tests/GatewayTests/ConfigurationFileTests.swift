import Testing

@testable import Gateway

@Suite struct ConfigurationFileTests {
    @Test("Numbers, switches and lists may be written as YAML has them")
    func yamlValues() throws {
        let yaml = """
            # a comment
            workers: 2
            embedded: true
            upstream-networks:
              - 10.0.0.0/8
              - fd00::/8
            drain-timeout: 5s
            """
        let settings = try SettingsReading.withFile(yaml) {
            try SettingsReading.read(["--config=\($0)"]).get()
        }
        #expect(settings.workers == 2 && settings.isEmbedded && settings.upstreamNetworks.count == 2)
        #expect(settings.drainTimeout == .seconds(5))
    }

    @Test("A file without settings is no mistake", arguments: ["", "\n\n", "# nothing yet\n", "---\n"])
    func emptyFile(text: String) throws {
        try SettingsReading.withFile(text) { #expect(SettingsReading.mistakes(["--config", $0]) == []) }
    }

    @Test(
        "A file with a mistake is told by its name and what is wrong",
        arguments: [
            ("wrokers: 2", "did you mean 'workers'"), ("listen:\n  port: 1", "'listen.port'"),
            ("config: x", "'config'"),
            ("max_head_bytes: 1", "did you mean 'max-head-bytes'"), ("- workers", "no YAML mapping"),
            ("a: [", "no YAML mapping"),
            ("workers: 2\nworkers: 3", "no YAML mapping"), ("workers: x", "'workers' in"),
            ("just text", "no YAML mapping"),
        ])
    func mistakenFile(text: String, part: String) throws {
        try SettingsReading.withFile(text) { path in
            let told = SettingsReading.mistakes(["--config", path])
            #expect(told.count == 1 && told[0].contains(part) && told[0].contains(path), "\(told)")
            #expect(!told.joined().contains("\n"))
        }
    }

    @Test("A file that is not there is one mistake, and the others are told beside it")
    func absentFile() {
        let told = SettingsReading.mistakes(["--config", "/nonexistent.yaml", "--workers", "0"])
        #expect(told.count == 2)
        #expect(
            told.contains(
                "the configuration file '/nonexistent.yaml' is not there: No such file or directory"))
    }

    @Test("A secret in the file is not shown either")
    func secretInFile() throws {
        try SettingsReading.withFile("egress-proxy: ftp://u:hunter2@p\nadmin-token: 'hunter2 2'") { path in
            let told = SettingsReading.mistakes(["--config", path])
            #expect(told.count == 2 && !told.joined().contains("hunter2"))
        }
    }
}
