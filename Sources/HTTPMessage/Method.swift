/// The methods that matter to a proxy; every other one is carried as it is.
package enum Method: Sendable, Hashable {
    case get, head, options, put, delete, other

    /// The method of this name, whose letter case counts (RFC 9110 §9.1). Throws `.forbiddenMethod` for CONNECT and
    /// TRACE, which no request through the gateway may have.
    package init(name: UnsafeRawBufferPointer) throws(MessageFlaw) {
        func isCalled(_ word: StaticString) -> Bool { ByteScanner.isExactly(name, word) }
        switch name.count {
        case 3: self = isCalled("GET") ? .get : isCalled("PUT") ? .put : .other
        case 4: self = isCalled("HEAD") ? .head : .other
        case 5:
            if isCalled("TRACE") { throw .forbiddenMethod }
            self = .other
        case 6: self = isCalled("DELETE") ? .delete : .other
        case 7:
            if isCalled("CONNECT") { throw .forbiddenMethod }
            self = isCalled("OPTIONS") ? .options : .other
        default: self = .other
        }
    }

    /// Whether sending a request twice does what sending it once does (RFC 9110 §9.2.2). A method that is not known is
    /// taken for one that does not.
    package var isIdempotent: Bool { self != .other }
}
