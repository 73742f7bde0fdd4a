import DataPlane
import Gatekeeper
import HTTPMessage

/// A request that somebody asks about: what a client would send, in words.
struct ExplanationRequest: Sendable {
    /// The host, with or without a port.
    var host: String
    var method = "GET"
    /// The path, with or without a query. It may hold `{token}`.
    var path = "/"
    /// Lines of the head besides Host, such as `Origin: https://app.example`. They may hold `{token}`.
    var headers: [String] = []
    /// The token, with or without `Bearer ` before it and blanks around it; nil for a request without one.
    var token: Secret?

    /// Where the token stands among the words.
    private static let placeholder = "{token}"

    /// The request as it would arrive: the token where `{token}` is written, else in `Authorization`.
    func described(limits: HeadLimits, maxBodyBytes: UInt64?) -> DescribedRequest {
        var (path, headers) = (path, headers)
        if let token {
            let text = String(decoding: ExplanationRequest.bare(token.bytes), as: UTF8.self)
            let placeholder = ExplanationRequest.placeholder
            if !path.contains(placeholder), !headers.contains(where: { $0.contains(placeholder) }) {
                headers.append("Authorization: Bearer \(placeholder)")
            }
            path = path.replacing(placeholder, with: text)
            headers = headers.map { $0.replacing(placeholder, with: text) }
        }
        return DescribedRequest(
            host: host, method: method, path: path, fields: headers.map { Array($0.utf8) },
            limits: limits, maxBodyBytes: maxBodyBytes)
    }

    /// A token without what people copy along with it: blanks and line ends around it, and a leading `Bearer `.
    static func bare(_ token: [UInt8]) -> ArraySlice<UInt8> {
        var token = token.drop { $0 <= 0x20 }
        while let last = token.last, last <= 0x20 { token.removeLast() }
        let scheme = "bearer "
        if String(decoding: token.prefix(scheme.utf8.count), as: UTF8.self).lowercased() == scheme {
            token = token.dropFirst(scheme.utf8.count).drop { $0 == 0x20 }
        }
        return token
    }
}
