import ArgumentParser

/// The program `stand-in-pool`: a local stand-in for Cognito, and an upstream that echoes requests.
@main
struct StandInPool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stand-in-pool",
        abstract: "A local stand-in for Cognito's user pools, for demos, tests and benchmarks.",
        subcommands: [Serve.self, Echo.self])
}

/// `stand-in-pool serve`: serves the key sets of any pool, and lets callers mint tokens, rotate keys and make endpoints fail.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Serve the keys of any pool at /POOL/.well-known/jwks.json, and control them at /control/POOL.")

    @Option(help: "Where to listen, host:port; port 0 lets the system choose.")
    var listen = "127.0.0.1:0"

    @Option(help: "Write the bound port to this file once it listens.")
    var portFile: String?

    @Option(help: "How many RSA keys all pools share, each under kids of its own.")
    var keys = 8

    func run() async throws {
        let pools = Pools(keys: try SharedKeys(count: keys))
        try await LocalServer(listen: listen, portFile: portFile).run { request in
            PoolEndpoints.outcome(of: request, pools)
        }
    }
}

/// `stand-in-pool echo`: responds to every request with what it received, as JSON.
struct Echo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer every request with what it received, as JSON.")

    @Option(help: "Where to listen, host:port; port 0 lets the system choose.")
    var listen = "127.0.0.1:0"

    @Option(help: "Write the bound port to this file once it listens.")
    var portFile: String?

    func run() async throws {
        try await LocalServer(listen: listen, portFile: portFile).run { request in
            .respond(LocalResponse(json: request.description))
        }
    }
}
