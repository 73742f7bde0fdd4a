import ControlPlane
import NIOCore
import NIOPosix

/// Whether the ports can be listened on, and by whom they are taken.
struct ListenerCheck {
    let settings: Settings
    let group: any EventLoopGroup
    /// Whether the operator says that a gateway runs here, so that its ports are to be taken.
    let isRunning: Bool

    /// What was found of each listener.
    func findings() async -> [Finding] {
        var listeners = settings.listeners.map { ($0.flag, $0.address) }
        listeners.append(("--admin-listen", settings.adminListen))
        var findings: [Finding] = []
        let taken = await firstTaken(of: listeners)
        let isGateway = taken ? await doesGatewayAnswer() : false
        for (flag, address) in listeners { findings.append(await finding(flag, address, isGateway)) }
        return findings
    }

    private func firstTaken(of listeners: [(String, ListenAddress)]) async -> Bool {
        for (_, address) in listeners where await bind(address) != nil { return true }
        return false
    }

    private func finding(_ flag: String, _ address: ListenAddress, _ isGateway: Bool) async -> Finding {
        let subject = "listener \(flag)"
        guard let error = await bind(address) else {
            if isRunning, address.port != 0 {
                return .warning(
                    subject, "nothing listens at \(address)", "is the gateway running, with these settings?")
            }
            return .good(subject, address.port == 0 ? "the system chooses a port" : "\(address) is free")
        }
        guard (error as? IOError)?.errnoCode == EADDRINUSE else {
            return .failure(subject, ListenFailure.sentence(flag, address, error))
        }
        let holder = PortHolder.name(of: address.port).map { ", by \($0)" } ?? ""
        if isGateway {
            let told = "a gateway already listens at \(address)\(holder)"
            return isRunning
                ? .good(subject, told)
                : .warning(
                    subject, told, "another one needs ports of its own; --running says that this is meant")
        }
        return .failure(
            subject, "\(address) is taken\(holder)", "end what listens there, or choose another port")
    }

    /// Listens, and closes at once; what went wrong, or nil.
    private func bind(_ address: ListenAddress) async -> (any Error)? {
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: address.host, port: address.port).get()
            try await channel.close().get()
            return nil
        } catch {
            return error
        }
    }

    /// Whether a gateway answers at the admin port.
    private func doesGatewayAnswer() async -> Bool {
        let caller = HTTPCaller(egress: EgressSettings())
        defer { caller.stop() }
        let call = HTTPCall(
            url: "http://\(settings.adminListen.reachable)/live", time: Limits.liveCall)
        guard case .success(let response) = await caller.response(to: call), response.status == 200 else {
            return false
        }
        return String(decoding: response.body, as: UTF8.self).contains("live")
    }
}
