import Gatekeeper
import HTTPMessage

/// What a proxy that asked is to change in the head of a request that may pass, besides setting the caller's identity, so
/// that the tenant's services see what they would see behind the gateway itself.
struct HeaderChanges {
    /// Names of fields that are to be removed, in small letters, each once; none that the identity sets is among them.
    private(set) var removed: [[UInt8]] = []
    /// The cookies that are left once the one with the token is out; nil where they stay, or where none is left, and
    /// `cookie` is among those removed.
    private(set) var cookies: [UInt8]?
    /// The names of the parameters that hold the token, each as it is spelled in the query, since Envoy compares them so.
    private(set) var removedParameters: [[UInt8]] = []

    /// `cookies` without those that are no UTF-8, which Envoy cannot be told by gRPC (it reads the text of a field alone,
    /// and a text of Protocol Buffers is UTF-8); empty where none is left.
    var textCookies: [UInt8]? {
        guard let cookies, String(validating: cookies, as: UTF8.self) == nil else { return cookies }
        let texts = cookies.split(separator: UInt8(ascii: ";")).map { $0.drop { $0 == ASCII.space } }
            .filter { String(validating: $0, as: UTF8.self) != nil }
        return Array(texts.joined(separator: [UInt8(ascii: ";"), ASCII.space]))
    }

    /// No changes.
    init() {}

    /// The changes to the request with `head`, which `bytes` begins with, as it was admitted; `isAsserted` where an
    /// assertion is set beside the identity.
    init(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        isAsserted: Bool
    ) {
        var set = admission.identity?.headerNames ?? []
        if isAsserted { set.append(Array(Assertion.lowercasedName.utf8)) }
        // Whoever asks forwards the request, and so does what becomes of traces.
        let sieve = FieldSieve(head, bytes, admission, .asTheyAre(state: true))
        for (index, field) in head.fields.enumerated()
        where sieve.fate(of: field, at: index, bytes) == .removed {
            remove(bytes[field.name.range].map(ASCII.lowered), unlessIn: set)
        }
        // A proxy may not have shown every field: what nobody may pretend goes in any case.
        for name in admission.resolved.identityNames { remove(name, unlessIn: set) }
        guard admission.resolved.hasOtherSources else { return }
        let tenant = admission.resolved.tenant
        if let name = tenant.cookieName { takeCookies(of: head, bytes, without: name) }
        if let name = tenant.queryParameter { takeParameters(of: head, bytes, named: name) }
    }

    private mutating func takeParameters(
        of head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, named name: [UInt8]
    ) {
        QueryParameters.each(in: UnsafeRawBufferPointer(rebasing: bytes[head.query.range])) { parameter in
            guard parameter.isNamed(name) else { return }
            let spelled = Array(parameter.name)
            if !removedParameters.contains(spelled) { removedParameters.append(spelled) }
        }
    }

    private mutating func remove(_ name: [UInt8], unlessIn set: [[UInt8]]) {
        guard !set.contains(name), !removed.contains(name) else { return }
        removed.append(name)
    }

    private mutating func takeCookies(
        of head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, without name: [UInt8]
    ) {
        var (rest, holdsIt): ([UInt8], Bool) = ([], false)
        for field in head.fields where field.known == .cookie {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            Cookies.each(in: value) { pair in
                guard !pair.isNamed(name) else {
                    holdsIt = true
                    return
                }
                if !rest.isEmpty { rest += [UInt8(ascii: ";"), ASCII.space] }
                rest += value[pair.range]
            }
        }
        guard holdsIt else { return }
        if rest.isEmpty {
            removed.append(Array("cookie".utf8))
        } else {
            cookies = rest
        }
    }
}
