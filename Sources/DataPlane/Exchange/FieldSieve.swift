import Gatekeeper
import HTTPMessage

/// Says what becomes of each field of an admitted request on its way to the tenant's services, whoever forwards it: the
/// gateway, or a proxy that asked it.
struct FieldSieve {
    private let forwardsToken: Bool
    /// Whether cookies are written anew, without the one that may hold the token.
    private let rewritesCookies: Bool
    private let parameter: [UInt8]?
    private let nominated: ConnectionOptions?
    private let stripped: StrippedNames
    private let trace: TraceLines
    private let protected = ProtectedNames.standard

    /// What becomes of a field.
    enum Fate {
        /// It goes on as it is.
        case kept
        /// It goes no further.
        case removed
        /// Whoever forwards the request writes it, or what it stands for, anew.
        case rewritten
    }

    /// The fates of the fields of `head`, which `bytes` begins with, as it was admitted.
    @inline(__always)
    init(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        _ trace: TraceLines
    ) {
        let resolved = admission.resolved
        forwardsToken = resolved.forwardsToken
        stripped = admission.stripped
        // The tenant itself is not looked at unless it must be: loops share it, and with many there it lies far away.
        parameter = resolved.hasOtherSources ? resolved.tenant.queryParameter : nil
        rewritesCookies = resolved.hasOtherSources && resolved.tenant.cookieName != nil
        nominated = head.connectionNamesOthers ? ConnectionOptions(head.fields, bytes) : nil
        self.trace = trace
    }

    /// The fate of the field at `index`.
    @inline(__always)
    func fate(of field: HeadField, at index: Int, _ bytes: UnsafeRawBufferPointer) -> Fate {
        switch field.known {
        case .authorization: forwardsToken ? .kept : .removed
        case .via: .kept
        case .cookie: rewritesCookies ? .rewritten : isNominated(index) ? .removed : .kept
        case .other, .origin, .fetchSite, .requestedMethod, .trailer, .wwwAuthenticate, .persistentAuth,
            .webSocketKey, .webSocketVersion, .webSocketAccept:
            !protected.contains(field, bytes) && !isNominated(index) && !field.isStripped(by: stripped, bytes)
                ? .kept : .removed
        case .traceparent: trace.keepsParent && !isNominated(index) ? .kept : .rewritten
        case .tracestate: trace.keepsState && !isNominated(index) ? .kept : .rewritten
        case .referer: !isNominated(index) && !holdsToken(field, bytes) ? .kept : .removed
        case .proxyAuthorization: .removed
        case .host, .contentLength, .transferEncoding, .connection, .expect, .upgrade, .te, .keepAlive,
            .proxyConnection, .proxyAuthenticate, .forwardedFor, .forwardedProto, .forwardedPort, .requestID:
            .rewritten
        }
    }

    @inline(__always)
    private func isNominated(_ index: Int) -> Bool { nominated?.name(index) ?? false }

    /// Whether an address holds the parameter that may hold a token.
    private func holdsToken(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let parameter else { return false }
        return QueryParameters.holds(
            parameter, in: UnsafeRawBufferPointer(rebasing: bytes[field.value.range]))
    }
}
