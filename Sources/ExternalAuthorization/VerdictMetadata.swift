/// What Envoy is told of a verdict besides, for its access log and for the filters behind
/// (`%DYNAMIC_METADATA(envoy.filters.http.ext_authz:tenant)%`).
package struct VerdictMetadata: Sendable {
    /// The row's host; nil where no row was found.
    package var tenant: [UInt8]?
    /// `sub` of the token; nil where no token was verified.
    package var subject: [UInt8]?
    /// The id of the rule that decided; nil where none did.
    package var rule: Int64?
    /// The refusal's code; nil where the request goes on.
    package var code: [UInt8]?

    /// Metadata that say nothing.
    package init() {}

    /// Writes `CheckResponse.dynamic_metadata`, a `google.protobuf.Struct`, where there is anything to say.
    func write(to message: inout WireWriter) {
        guard tenant != nil || subject != nil || rule != nil || code != nil else { return }
        let entries =
            ([("tenant", tenant), ("subject", subject), ("code", code)] as [(StaticString, [UInt8]?)])
            .compactMap { key, value in value.map { (key, $0) } }
        var size = 0
        for (key, value) in entries {
            size += VerdictMetadata.size(key, value: WireWriter.size(3, bytes: value.count))
        }
        if rule != nil { size += VerdictMetadata.size("rule", value: 1 + 8) }
        message.begin(4, bytes: size)
        for (key, value) in entries {
            VerdictMetadata.begin(key, value: WireWriter.size(3, bytes: value.count), in: &message)
            message.write(3, value)
        }
        if let rule {
            VerdictMetadata.begin("rule", value: 1 + 8, in: &message)
            message.write(2, Double(rule))
        }
    }

    /// The size of an entry of the map, whose value takes `value` bytes.
    private static func size(_ key: StaticString, value: Int) -> Int {
        WireWriter.size(1, bytes: entrySize(key, value: value))
    }

    private static func entrySize(_ key: StaticString, value: Int) -> Int {
        WireWriter.size(1, bytes: key.utf8CodeUnitCount) + WireWriter.size(2, bytes: value)
    }

    /// Writes an entry up to its value.
    private static func begin(_ key: StaticString, value: Int, in message: inout WireWriter) {
        message.begin(1, bytes: entrySize(key, value: value))
        message.write(1, UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        message.begin(2, bytes: value)
    }
}
