import Foundation
import JOSE

/// What the stand-in responds to a request: a pool's key set, or what a test or demo wants to change about a pool.
enum PoolEndpoints {
    /// What to do about a request.
    static func outcome(of request: LocalRequest, _ pools: Pools) -> LocalOutcome {
        let path = request.path
        if path.count >= 3, path.suffix(2) == [".well-known", "jwks.json"] {
            return keys(of: path[path.count - 3], pools)
        }
        guard path.count >= 2, path[0] == "control" else {
            return .respond(LocalResponse(status: 404, text: "no such path\n"))
        }
        let pool = path[1]
        switch (request.method, path.dropFirst(2).first) {
        case ("GET", nil): return .respond(LocalResponse(json: status(of: pool, pools)))
        case ("POST", "mint"): return .respond(mint(request, pool, pools))
        case ("POST", "rotate"): pools.rotate(pool, withdraw: request.query("withdraw") == "true")
        case ("POST", "withdraw"):
            pools.with(pool) { state in
                let signing = [state.signsID.keyID, state.signsAccess.keyID]
                state.published.removeAll { !signing.contains($0.keyID) }
            }
        case ("POST", "fail"):
            pools.with(pool) {
                $0.mode = .failing(
                    request.query("mode") ?? "500", times: request.query("times").flatMap { Int($0) })
            }
        case ("POST", "recover"): pools.with(pool) { $0.mode = .good }
        case ("POST", "max-age"):
            pools.with(pool) { $0.maxAge = request.query("seconds").flatMap { Int($0) } }
        default: return .respond(LocalResponse(status: 404, text: "no such control\n"))
        }
        return .respond(LocalResponse(json: status(of: pool, pools)))
    }

    private static func status(of pool: String, _ pools: Pools) -> [String: any Sendable] {
        pools.with(pool) { state in
            [
                "pool": pool, "fetches": state.fetches, "kids": state.published.map(\.keyID),
                "generation": state.generation,
            ]
        }
    }

    /// The response of a pool's key endpoint.
    private static func keys(of pool: String, _ pools: Pools) -> LocalOutcome {
        let (state, failure) = pools.with(pool) { state -> (PoolState, String?) in
            state.fetches += 1
            guard case .failing(let mode, let times) = state.mode else { return (state, nil) }
            if let times { state.mode = times > 1 ? .failing(mode, times: times - 1) : .good }
            return (state, mode)
        }
        let keys = state.published.map { $0.key.publicJWK(keyID: $0.keyID) }.joined(separator: ",")
        var good = LocalResponse(text: "{\"keys\":[\(keys)]}")
        good.headers = [("Content-Type", "application/json")]
        if let maxAge = state.maxAge { good.headers.append(("Cache-Control", "public, max-age=\(maxAge)")) }
        return failure.map { outcome(failing: $0, good) } ?? .respond(good)
    }

    /// A way in which a key endpoint can fail its callers.
    private static func outcome(failing mode: String, _ good: LocalResponse) -> LocalOutcome {
        switch mode {
        case "garbage": .respond(LocalResponse(text: "<html>no keys here</html>"))
        case "empty": .respond(LocalResponse(text: "{\"keys\":[]}"))
        case "redirect": .respond(LocalResponse(status: 302, headers: [("Location", "http://127.0.0.1:1/")]))
        case "huge":
            .respond(
                LocalResponse(
                    text: "{\"keys\":[\"" + String(repeating: "x", count: Limits.hugeKeySetBytes) + "\"]}"))
        case "gzip":
            .respond(
                LocalResponse(
                    headers: [("Content-Encoding", "gzip")], text: String(decoding: good.body, as: UTF8.self))
            )
        case "slow": .respondSlowly(good, millisecondsPerByte: Limits.slowMillisecondsPerByte)
        case "hang": .hang
        case "close": .close
        default: .respond(LocalResponse(status: Int(mode) ?? 500, text: "failing as asked\n"))
        }
    }

    /// Mints the tokens that the body of the request asks for, one a line.
    private static func mint(_ request: LocalRequest, _ pool: String, _ pools: Pools) -> LocalResponse {
        let body = Data(request.body.isEmpty ? Array("{}".utf8) : request.body)
        do {
            let order = try JSONDecoder().decode(TokenMint.Order.self, from: body)
            let object = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
            let tokens = try pools.with(pool) { state in
                try (0..<(order.count ?? 1)).map { _ in
                    try TokenMint.token(
                        order, overrides: object["claims"] as? [String: Any] ?? [:],
                        headerOverrides: object["header"] as? [String: Any] ?? [:], pool: pool, state)
                }
            }
            return LocalResponse(
                headers: [("Content-Type", "text/plain")], text: tokens.joined(separator: "\n") + "\n")
        } catch {
            return LocalResponse(status: 400, text: "\(error)\n")
        }
    }
}
