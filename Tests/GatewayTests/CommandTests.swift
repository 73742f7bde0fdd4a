import Foundation
import TestSupport
import Testing

@testable import Gateway

@Suite(.serialized) struct CommandTests {
    private static let good = "eu-west-1_GoodPool1"
    private static let bad = "eu-west-1_BadPool11"

    /// The key endpoint is the upstream, too: something that can be reached.
    private func tenant(_ host: String, _ pool: String, upstream: String = "127.0.0.1:9") -> String {
        "INSERT INTO poolgate.tenants (host, region, pool_id, upstream) "
            + "VALUES ('\(host)', 'eu-west-1', '\(pool)', 'http://\(upstream)')"
    }

    /// A migrated database, a key endpoint for the good pool, and the environment that names both.
    private func scene(_ mint: Mint) async throws -> (TemporaryPostgres, KeyEndpoint, [String: String]) {
        let server = try TemporaryPostgres()
        try server.apply(files: TemporaryPostgres.migrations())
        let endpoint = try await KeyEndpoint([Self.good: Mint.keySet([mint.jwk])])
        return (
            server, endpoint,
            [
                "POOLGATE_DATABASE_URL": server.url(),
                "POOLGATE_JWKS_URL_TEMPLATE": "http://\(endpoint.address)/{pool}/.well-known/jwks.json",
            ]
        )
    }

    @Test("check says ok line by line, and fails with the one line that is not")
    func checkCommand() async throws {
        let mint = try #require(Mint(keyID: "key-1"))
        let (server, endpoint, environment) = try await scene(mint)
        try server.psql(tenant("a.example", Self.good, upstream: endpoint.address))
        let good = try await GatewayProcess.run(
            ["check", "--table", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            environment: environment)
        #expect(good.status == 0)
        let lines = good.output.split(separator: "\n")
        #expect(lines.last == "all is well" && lines.dropLast().allSatisfy { $0.hasPrefix("ok    ") })
        #expect(good.output.contains("keys of eu-west-1/\(Self.good): key-1"))
        try server.psql(tenant("b.example", Self.bad, upstream: endpoint.address))
        let bad = try await GatewayProcess.run(
            ["check", "--table", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            environment: environment)
        #expect(bad.status == 1)
        #expect(bad.output.split(separator: "\n").filter { $0.hasPrefix("FAIL") }.count == 1)
        #expect(
            bad.output.contains(
                "FAIL  keys of eu-west-1/\(Self.bad): the key endpoint http://\(endpoint.address)/"
                    + "\(Self.bad)/.well-known/jwks.json answered 404: no such pool in eu-west-1; try that with curl"
            ))
        withExtendedLifetime(endpoint) {}
    }

    @Test("explain shows each check with what it expected and found, and never the token")
    func explainCommand() async throws {
        let mint = try #require(Mint(keyID: "key-1"))
        let (server, endpoint, environment) = try await scene(mint)
        try server.psql(tenant("a.example", Self.good))
        let now = Int(Date().timeIntervalSince1970)
        func token(expires: Int) throws -> String {
            let claims =
                #"{"sub":"s","iss":"https://cognito-idp.eu-west-1.amazonaws.com/\#(Self.good)","token_use":"access","#
                + #""client_id":"c","username":"u","iat":\#(now - 10),"exp":\#(expires)}"#
            return String(decoding: try mint.token(payload: claims), as: UTF8.self)
        }
        func explain(_ input: String, _ arguments: [String] = ["--token", "-"]) async throws
            -> GatewayProcess.Ended
        {
            try await GatewayProcess.run(
                ["explain", "--table", "--host", "a.example"] + arguments, environment: environment,
                input: input)
        }
        let fresh = try token(expires: now + 60)
        for input in [fresh, "  Bearer \(fresh)\r\n"] {
            let good = try await explain(input)
            #expect(good.status == 0 && good.output.contains("the request would be forwarded"), "\(good)")
            #expect(!good.output.contains(fresh) && !(good.output + good.errors).contains(fresh.suffix(40)))
        }
        let old = try await explain(try token(expires: now - 1))
        #expect(old.status == 1 && old.output.contains("FAIL") && old.output.contains("401 expired"))
        let none = try await explain("", [])
        #expect(none.status == 1 && none.output.contains("401 missing_token"))
        let shown = try await explain("", ["--token", fresh])
        #expect(shown.status == 64 && !shown.errors.contains(fresh))
        #expect(try await explain("").status == 64)
        let other = try await GatewayProcess.run(
            ["explain", "--table", "--host", "x.example:443"], environment: environment)
        #expect(other.status == 1 && other.output.contains("421 unknown_host"))
        withExtendedLifetime(endpoint) {}
    }

    @Test("pools shows what the running gateway holds, and has it fetch at once")
    func poolsCommand() async throws {
        let mint = try #require(Mint(keyID: "key-1"))
        let (server, endpoint, environment) = try await scene(mint)
        try server.psql(tenant("a.example", Self.good))
        try server.psql(tenant("b.example", Self.bad))
        let gateway = try GatewayProcess.serve(["--admin-token", "s3cret"], environment: environment)
        let admin = try await gateway.address("admin")
        try await gateway.event("ready")
        func pools(_ arguments: [String], token: String = "s3cret") async throws -> GatewayProcess.Ended {
            try await GatewayProcess.run(
                ["pools", "--table", "--admin-listen", admin] + arguments,
                environment: ["POOLGATE_ADMIN_TOKEN": token])
        }
        let all = try await pools([])
        let lines = all.output.split(separator: "\n").map(String.init)
        #expect(all.status == 0 && lines.count == 3 && lines[0].hasPrefix("POOL"))
        #expect(
            lines[1].hasPrefix(Self.bad) && lines[1].contains("failing") && lines[1].contains("answered 404"))
        #expect(lines[2].hasPrefix(Self.good) && lines[2].contains("ready") && lines[2].contains("key-1"))
        #expect(try await pools(["--refresh", Self.good]).status == 0)
        #expect(gateway.events.filter { $0["event"] as? String == "keys_fetched" }.count == 2)
        #expect(try await pools(["--refresh", Self.bad]).status == 1)
        let unknown = try await pools(["--refresh", "eu-west-1_Nobody"])
        #expect(unknown.status == 1 && unknown.errors.contains("no tenant of this gateway has that pool"))
        #expect(try await pools(["--refresh", "nonsense"]).status == 64)
        let closed = try await pools([], token: "other")
        #expect(closed.status == 1 && closed.errors.contains("POOLGATE_ADMIN_TOKEN"))
        #expect(try await GatewayProcess.ask("http://\(admin)/status").status == 401)
        gateway.signal(SIGTERM)
        _ = try await gateway.ended(within: .seconds(20))
        let gone = try await pools([])
        #expect(gone.status == 69 && gone.errors.contains("no gateway answers at http://\(admin)"))
        withExtendedLifetime(endpoint) {}
    }
}
