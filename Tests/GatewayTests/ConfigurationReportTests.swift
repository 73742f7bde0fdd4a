import Foundation
import Testing

@testable import Gateway

@Suite struct ConfigurationReportTests {
    private func report(_ arguments: [String] = [], _ environment: [String: String] = [:])
        -> ConfigurationReport
    {
        ConfigurationReport(SettingsReader.readAll(arguments: arguments, environment: environment))
    }

    private func row(_ name: String, _ report: ConfigurationReport) -> [String?] {
        report.settings.filter { $0.name == name }.flatMap { [$0.value, $0.source, $0.from, $0.initial] }
    }

    @Test("Each setting says its value and where it comes from: flag, variable, line of the file, default")
    func sources() throws {
        let text =
            "# a comment\nmax-headers: 5\n\nmax-target-bytes: 300\nidle-timeout: 9s\n'trusted-proxies': [10.0.0.0/8, 'fd00::/8']\n"
        try SettingsReading.withFile(text) { path in
            let report = report(
                ["--config", path, "--max-headers", "3", "--access-log"],
                ["POOLGATE_MAX_TARGET_BYTES": "200", "DATABASE_URL": "postgres://u:s3cret@h/d"])
            #expect(report.settings.count == Setting.all.count + 1 && report.mistakes == [])
            #expect(row("max-headers", report) == ["3", "flag", "--max-headers", "100"])
            #expect(row("access-log", report) == ["true", "flag", "--access-log", "false"])
            #expect(
                row("max-target-bytes", report) == ["200", "variable", "POOLGATE_MAX_TARGET_BYTES", "16KiB"])
            #expect(row("idle-timeout", report) == ["9s", "file", "\(path):5", "75s"])
            #expect(row("trusted-proxies", report) == ["10.0.0.0/8,fd00::/8", "file", "\(path):6", nil])
            #expect(row("listen", report) == ["127.0.0.1:8080", "default", nil, "127.0.0.1:8080"])
            #expect(row("log-format", report) == [nil, "default", nil, nil])
            #expect(row("database-url", report) == ["postgres://u@h/d", "variable", "DATABASE_URL", nil])
            #expect(row("config", report) == [path, "flag", "--config", nil])
        }
    }

    @Test(
        "No secret is shown, not even one inside a URL or in a value with a mistake",
        arguments: [
            ("admin-token", "s3cret", "(hidden)"),
            ("egress-proxy", "http://u:s3cret@proxy:3128", "http://(hidden)@proxy:3128"),
            ("jwks-url-template", "https://k.example/{pool}?key=s3cret", "https://k.example/{pool}?(hidden)"),
            ("database-url", "postgres://u:s3cret@h/d?password=s3cret2", "postgres://u@h/d"),
            ("database-url", "host=h password=s3cret dbname=d", "postgres://h/d"),
            ("upstream", "http://u:s3cret@h", "(hidden)"),
            ("egress-proxy", "u:s3cret@proxy", "(hidden)"),
            ("max-headers", "eyJs3cret", "(not shown, for it may hold a secret)"),
        ])
    func secrets(name: String, text: String, shown: String) throws {
        let report = report(["--\(name)", text])
        #expect(row(name, report).first == shown)
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(!json.contains("s3cret") && !report.table.lines().joined().contains("s3cret"))
    }

    @Test("Mistakes are told beside what is good")
    func mistakes() {
        let report = report(["--max-headers", "many", "--workers", "3"], ["POOLGATE_NOTHING": "1"])
        #expect(report.mistakes.count == 2 && report.mistakes.contains { $0.contains("POOLGATE_NOTHING") })
        #expect(row("max-headers", report).first == "'many'" && row("workers", report).first == "3")
    }

    @Test("The example file has every setting, and as it is changes none")
    func example() throws {
        try SettingsReading.withFile(ConfigurationExample.text + "\n") { path in
            let (example, none) = (report(["--config", path]), report())
            #expect(example.mistakes == [])
            #expect(
                example.settings.filter { $0.name != "config" }.map { [$0.name, $0.value, $0.source] }
                    == none.settings.filter { $0.name != "config" }.map { [$0.name, $0.value, $0.source] })
        }
        let lines = ConfigurationExample.text.split(separator: "\n")
        let names = lines.compactMap { $0.firstMatch(of: #/^#([a-z0-9-]+): /#).map { String($0.1) } }
        #expect(names == Setting.all.map(\.name))
        #expect(lines.allSatisfy { $0.hasPrefix("#") && $0.count <= 130 })
    }

    @Test("Every value of the example file is good, and every default in it is the default")
    func exampleValues() throws {
        let folder = try TemporaryFolder()
        for setting in Setting.all {
            let line = ConfigurationExample.text.split(separator: "\n").first {
                $0.hasPrefix("#\(setting.name): ")
            }
            var text = try #require(line).dropFirst() + "\n"
            #expect(
                !setting.initial.isEmpty || ConfigurationExample.examples[setting.name] != nil,
                "\(setting.name)")
            // Folders that are not on every machine.
            for path in ["certificates", "cas", "signing-keys"] {
                text = text.replacing("/etc/poolgate/\(path)", with: folder.path)[...]
            }
            try SettingsReading.withFile(String(text)) { path in
                let read = SettingsReader.readAll(arguments: ["--config", path], environment: [:])
                let given = read.given.filter { $0.setting.name == setting.name }
                #expect(given.map(\.isFlawed) == [false], "\(text): \(read.mistakes)")
                if !setting.initial.isEmpty { #expect(given.first?.text == setting.initial) }
            }
        }
    }
}
