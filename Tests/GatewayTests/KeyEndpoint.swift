import Hummingbird
import NIOCore
import NIOPosix
import ServiceLifecycle

@testable import Gateway

/// A key endpoint on loopback: a key set for every pool that it knows, 404 for every other.
final class KeyEndpoint: Sendable {
    let address: String
    private let task: Task<Void, any Error>

    /// Serves `keySets`, by pool id, below `/POOL/.well-known/jwks.json`.
    init(_ keySets: [String: [UInt8]]) async throws {
        let router = Router()
        router.get("{pool}/.well-known/jwks.json") { _, context in
            guard let pool = context.parameters.get("pool"), let keySet = keySets[pool] else {
                return Response(status: .notFound)
            }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: keySet)))
        }
        let bound = OneShot<Int>()
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { bound.set($0.localAddress?.port ?? 0) })
        task = Task { try await application.run() }
        address = "127.0.0.1:\(await bound.wait() ?? 0)"
    }

    deinit { task.cancel() }
}
