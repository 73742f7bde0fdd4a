import ArgumentParser
import ControlPlane
import Foundation
import Gatekeeper

/// Calls the admin port of a running gateway.
struct AdminClient {
    private let settings: Settings

    /// Calls the port at `admin-listen`, with `admin-token` where that is set.
    init(_ settings: Settings) {
        self.settings = settings
    }

    /// The body of the response to a GET, or to a POST without a body. Prints what went wrong, and throws the exit status:
    /// 69 where no gateway answers.
    func ask<Body: Decodable>(_ path: String, isPost: Bool) async throws(ExitCode) -> Body {
        let caller = HTTPCaller(egress: EgressSettings())
        defer { caller.stop() }
        let origin = "http://\(authority)"
        let call = HTTPCall(
            url: origin + path, headers: headers(origin), postBody: isPost ? [] : nil, time: Limits.adminCall)
        switch await caller.response(to: call) {
        case .failure(let failure): throw unreachable(origin, failure)
        case .success(let response):
            guard response.status == 200 else { throw refused(response, path) }
            guard let body = try? JSONDecoder().decode(Body.self, from: Data(response.body)) else {
                Output.complaint("\(origin) gave an answer that is none of a gateway of this version")
                throw .failure
            }
            return body
        }
    }

    /// Why a stream of events ended.
    enum StreamEnd: Equatable {
        /// The gateway ended it, or is not there.
        case ended
        /// So many listen already that the gateway takes no more.
        case full
    }

    /// Hands over the bytes of a stream of events, on another thread, until it ends. With `isFirst`, a gateway that is not
    /// there is a failure: it is printed, and the exit status thrown.
    func listen(
        _ path: String, isFirst: Bool, take: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(ExitCode) -> StreamEnd {
        let caller = HTTPCaller(egress: EgressSettings())
        defer { caller.stop() }
        let origin = "http://\(authority)"
        let began = OneShot<Void>()
        let call = HTTPCall(url: origin + path, headers: headers(origin)) { bytes in
            began.set(())
            take(bytes)
        }
        switch await caller.response(to: call) {
        case .failure(let failure):
            guard isFirst, began.value == nil else { return .ended }
            throw unreachable(origin, failure)
        case .success(let response):
            if response.status == 503 { return .full }
            guard response.status == 200 else { throw refused(response, path) }
            return .ended
        }
    }

    private func unreachable(_ origin: String, _ failure: TransferFailure) -> ExitCode {
        Output.complaint(
            "no gateway answers at \(origin): \(failure); is it running, and is --admin-listen the one it has?"
        )
        return .unavailable
    }

    private func headers(_ origin: String) -> [(name: String, value: String)] {
        var headers = [(name: "Origin", value: origin)]
        if let token = settings.adminToken {
            headers.append(
                (name: "Authorization", value: "Bearer \(String(decoding: token.bytes, as: UTF8.self))"))
        }
        return headers
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
    private var authority: String { settings.adminListen.reachable.description }
}
