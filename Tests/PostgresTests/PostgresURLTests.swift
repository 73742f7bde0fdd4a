import Testing

@testable import Postgres

@Suite struct PostgresURLTests {
    private func options(_ text: String, host: Int = 0) throws -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: try PostgresURL(text).targets[host].parameters.map {
                ($0.keyword, $0.value)
            })
    }

    @Test("What the URL does not say is added")
    func additions() throws {
        let options = try options("postgres://gate@db.example.com/app")
        #expect(options["connect_timeout"] == "5")
        #expect(options["keepalives"] == "1")
        #expect(options["tcp_user_timeout"] == "10000")
        #expect(options["target_session_attrs"] == "read-write")
        #expect(options["sslmode"] == "verify-full")
        #expect(options["application_name"] == "poolgate")
    }

    @Test("What the URL says stays")
    func keptParameters() throws {
        let options = try options(
            """
            postgres://db/app?connect_timeout=9&keepalives=0&tcp_user_timeout=1&target_session_attrs=any&sslmode=require\
            &application_name=mine
            """)
        #expect(options["connect_timeout"] == "9")
        #expect(options["keepalives"] == "0")
        #expect(options["tcp_user_timeout"] == "1")
        #expect(options["target_session_attrs"] == "any")
        #expect(options["sslmode"] == "require")
        #expect(options["application_name"] == "mine")
    }

    @Test(
        "Loopback addresses and sockets need no TLS",
        arguments: [
            "postgres://localhost/a", "postgres://127.0.0.1:1/a", "postgres://127.9.9.9/a",
            "postgres://[::1]/a",
            "postgres:///a?host=/run/postgresql", "host=/run/postgresql dbname=a", "host=@abstract",
            "postgres://localhost,127.0.0.1/a", "postgres://db.example.com/a?hostaddr=127.0.0.1",
        ])
    func localTargets(_ text: String) throws {
        #expect(try PostgresURL(text).isLocal)
        #expect(try options(text)["sslmode"] == nil)
    }

    @Test(
        "Every other host is verified in full",
        arguments: [
            "postgres://db.example.com/a", "postgres://localhost.example.com/a",
            "postgres://127.0.0.1.example.com/a",
            "postgres://128.0.0.1/a", "postgres://1270.0.0.1/a", "postgres://localhost,db.example.com/a",
            "postgres://localhost/a?hostaddr=10.0.0.1", "postgres://[::2]/a", "host=db dbname=a",
            "postgres://127.1/a",
        ])
    func remoteTargets(_ text: String) throws {
        #expect(try !PostgresURL(text).isLocal)
        #expect(try options(text)["sslmode"] == "verify-full")
    }

    @Test("Several hosts become one target each, in order")
    func severalHosts() throws {
        let url = try PostgresURL("postgres://u@a:1,b:2/app")
        #expect(url.targets.map(\.name) == ["a:1", "b:2"])
        #expect(try options("postgres://u@a:1,b:2/app", host: 1)["host"] == "b")
        #expect(try options("postgres://u@a:1,b:2/app", host: 1)["port"] == "2")
        #expect(url.targets.allSatisfy { $0.timeout == .seconds(5) })
        #expect(try options("host=a,b port=7 hostaddr=,10.0.0.1", host: 1)["hostaddr"] == "10.0.0.1")
        #expect(try options("host=a,b port=7 hostaddr=,10.0.0.1", host: 1)["port"] == "7")
        #expect(try options("host=a,b port=7 hostaddr=,10.0.0.1", host: 0)["hostaddr"] == nil)
    }

    @Test("A host's time is libpq's: none for zero, two seconds at least")
    func hostTime() throws {
        #expect(try PostgresURL("postgres://a?connect_timeout=0").targets[0].timeout == nil)
        #expect(try PostgresURL("postgres://a?connect_timeout=1").targets[0].timeout == .seconds(2))
        #expect(try PostgresURL("postgres://a?connect_timeout=7").targets[0].timeout == .seconds(7))
        #expect(throws: PostgresError.self) { try PostgresURL("postgres://a?connect_timeout=soon") }
    }

    @Test(
        "An unreadable URL is a sentence",
        arguments: [
            "", "  ", "nonsense", "postgres://u:p@[::1/x", "postgres://a?sslmod=require",
            "postgres://a,b:1,c:2,d/x?port=1,2", "host=a,b hostaddr=10.0.0.1", "host=a,b,c port=1,2",
            "postgres://a\0b/x",
            "host=" + Array(repeating: "a", count: 17).joined(separator: ","),
        ])
    func unreadableURL(_ text: String) throws {
        let error = #expect(throws: PostgresError.self) { try PostgresURL(text) }
        #expect(error?.description.hasPrefix("the database URL ") == true)
    }

    @Test("The most hosts allowed are taken")
    func mostHosts() throws {
        #expect(
            try PostgresURL("host=" + Array(repeating: "a", count: 16).joined(separator: ",")).targets.count
                == 16)
    }

    @Test("A description shows where, never the password")
    func descriptions() throws {
        let url = try PostgresURL("postgres://gate:s3cr3t@db1:5433,db2/app?sslpassword=als0")
        #expect(url.description == "postgres://gate@db1:5433,db2/app")
        var dumped = ""
        dump(url, to: &dumped)
        for text in [url.description, String(reflecting: url), "\(url)", dumped] {
            #expect(!text.contains("s3cr3t") && !text.contains("als0"))
        }
    }

    @Test(
        "A URL's mistake is told without quoting the URL",
        arguments: [
            "postgres://u:s3cr3t%ZZ@a/x", "postgres://u:s3cr3t@[::1/x", "host=a password='s3cr3t",
            "host=a s3cr3t",
            "s3cr3t", "postgres://u@a/x?s3cr3t", "postgres://u@a/x?s3cr3t=1&b", "host=a password=x s3cr3t=1",
        ])
    func unquotedMistake(_ text: String) throws {
        let error = #expect(throws: PostgresError.self) { try PostgresURL(text) }
        #expect(error?.description.contains("s3cr3t") == false)
    }

    @Test("A message loses secrets, line ends and what is too long")
    func cleanMessages() {
        let cleaner = MessageCleaner(secrets: ["pw", ""])
        #expect(cleaner.clean("  a pw\n\tb\u{1b}pwpw ") == "a *** b ******")
        let long = cleaner.clean(String(repeating: "é", count: 600))
        #expect(long.utf8.count <= 1_003 && long.hasSuffix("é…"))
        #expect(cleaner.clean(String(repeating: "x", count: 1_000)).utf8.count == 1_000)
    }
}
