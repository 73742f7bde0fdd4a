import ArgumentParser
import ControlPlane
import Foundation
import Gatekeeper

/// `poolgate pools`: the user pools of a running gateway, as its admin port tells them.
struct PoolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pools",
        abstract: "Show the user pools of a running gateway: their keys, ages and errors.",
        usage: "poolgate pools [--refresh POOL] [SETTINGS]",
        discussion: "Asks the gateway at --admin-listen, with --admin-token where that is set.")

    @Option(
        help: ArgumentHelp(
            "Fetch the keys of this pool at once, such as eu-west-1_PwMfVzLQg.", valueName: "POOL"))
    var refresh: String?

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let admin = AdminClient(try arguments.read())
        if let refresh {
            guard let poolID = PoolID(refresh) else {
                Output.complaint("\(Printable.value(refresh)) is no pool id, such as eu-west-1_PwMfVzLQg")
                throw ExitCode.usage
            }
            let pool: StatusReport.Pool = try await admin.ask("/pools/\(poolID)/refresh", isPost: true)
            PoolsCommand.show([pool])
            if pool.state != "ready" { throw ExitCode.failure }
        } else {
            let report: StatusReport = try await admin.ask("/status", isPost: false)
            PoolsCommand.show(report.pools)
        }
    }

    private static func show(_ pools: [StatusReport.Pool]) {
        Output.table(
            [["POOL", "STATE", "SINCE", "KEYS", "AGE", "NEXT", "ERROR"]]
                + pools.map { pool in
                    [
                        pool.poolID, pool.state, pool.since,
                        pool.keys.isEmpty ? "-" : pool.keys.joined(separator: ","),
                        pool.keysAgeSeconds.map { "\($0)s" } ?? "-", pool.nextAttempt ?? "-",
                        pool.error ?? "-",
                    ]
                })
    }
}

/// Calls the admin port of a running gateway.
private struct AdminClient {
    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    /// The body of the response to a GET, or to a POST without a body. Prints what went wrong, and throws the exit status 1.
    func ask<Body: Decodable>(_ path: String, isPost: Bool) async throws(ExitCode) -> Body {
        let caller = HTTPCaller(egress: EgressSettings())
        defer { caller.stop() }
        let origin = "http://\(authority)"
        var headers = [(name: "Origin", value: origin)]
        if let token = settings.adminToken {
            headers.append(
                (name: "Authorization", value: "Bearer \(String(decoding: token.bytes, as: UTF8.self))"))
        }
        let call = HTTPCall(
            url: origin + path, headers: headers, postBody: isPost ? [] : nil, time: Limits.adminCall)
        switch await caller.response(to: call) {
        case .failure(let failure):
            Output.complaint(
                "no gateway answers at \(origin): \(failure); is it running, and is --admin-listen the one it has?"
            )
            throw .failure
        case .success(let response):
            guard response.status == 200 else { throw refused(response, path) }
            guard let body = try? JSONDecoder().decode(Body.self, from: Data(response.body)) else {
                Output.complaint("\(origin) gave an answer that is none of a gateway of this version")
                throw .failure
            }
            return body
        }
    }

    /// Prints what a response with a status other than 200 means; returns the exit status.
    private func refused(_ response: HTTPCallResponse, _ path: String) -> ExitCode {
        switch response.status {
        case 401 where settings.adminToken == nil:
            Output.complaint(
                "the gateway asks for its token: set POOLGATE_ADMIN_TOKEN to the one it was started with")
        case 401:
            Output.complaint(
                "the token given (POOLGATE_ADMIN_TOKEN or --admin-token) is wrong: "
                    + "give the one that the gateway at \(authority) was started with")
        case 403:
            Output.complaint(
                "the gateway does not answer to the name '\(settings.adminListen.host)': "
                    + "ask it by its address, or name it in its --admin-hosts")
        case 404: Output.complaint("no tenant of this gateway has that pool")
        default: Output.complaint("the gateway answers \(response.status) to \(path)")
        }
        return .failure
    }

    /// Where the port can be reached from this machine: at a loopback address where it listens on all addresses.
    private var authority: String {
        let address = settings.adminListen
        switch address.host {
        case "0.0.0.0": return ListenAddress(host: "127.0.0.1", port: address.port).description
        case "::": return ListenAddress(host: "::1", port: address.port).description
        default: return address.description
        }
    }
}
