import Gatekeeper
import HTTPMessage

extension RequestFacts {
    /// The facts of a request whose head `bytes` begins with.
    init(_ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer) {
        self.init(
            host: UnsafeRawBufferPointer(rebasing: bytes[head.host.range]),
            authorization: head.authorization.map { UnsafeRawBufferPointer(rebasing: bytes[$0.range]) },
            authorizationCount: head.authorizationCount,
            method: UnsafeRawBufferPointer(rebasing: bytes[head.methodName.range]),
            path: UnsafeRawBufferPointer(rebasing: bytes[head.path.range]))
        query = UnsafeRawBufferPointer(rebasing: bytes[head.query.range])
        authority = UnsafeRawBufferPointer(rebasing: bytes[head.authority.range])
        isUpgrade = head.upgrade == .webSocket
        if head.saysOrigin { readOrigin(head, bytes) }
    }

    /// Reads what a browser says of where a request comes from. A field that stands there twice says nothing that
    /// could be believed.
    private mutating func readOrigin(_ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer) {
        let none = UnsafeRawBufferPointer(rebasing: bytes[0..<0])
        var asksMethod = false
        for field in head.fields {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            switch field.known {
            case .cookie: cookies.append(value)
            case .origin: origin = origin == nil ? value : none
            case .fetchSite: fetchSite = fetchSite == nil ? value : none
            case .requestedMethod: asksMethod = !field.value.isEmpty
            default: break
            }
        }
        let isBodyless = head.framing == .none || head.framing == .length(0)
        isPreflight = head.method == .options && asksMethod && origin?.isEmpty == false && isBodyless
    }
}
