import HTTPMessage

/// Which parts of a request's head its client had enter no table of header compression, which holds for every hop (RFC 7541
/// §6.2.3); kept while the head is written anew for the upstream.
struct UnindexedFields {
    /// Whether the target or the authority is such a part.
    private(set) var hasTarget = false
    /// `CollapsedName.hash` of the names of fields that are, but for those that never enter one.
    private var hashes: [UInt32] = []

    /// None.
    init() {}

    /// Those of a request as it came.
    init(_ head: borrowing RequestHead) {
        hasTarget = head.isTargetUnindexed
        for field in head.fields where field.isUnindexed && !field.known.isUnindexed {
            hashes.append(field.collapsedHash)
        }
    }

    /// Whether a field of the head that is written is among them, or never enters a table.
    func contains(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        hashes.contains(field.collapsedHash) || field.known.isUnindexed
            || UnindexedFields.isAssertion(UnsafeRawBufferPointer(rebasing: bytes[field.name.range]))
    }

    /// Whether a field of our own that has this name never enters a table.
    static func isAlways(_ name: UnsafeRawBufferPointer) -> Bool {
        KnownField(name: name).isUnindexed || isAssertion(name)
    }

    private static func isAssertion(_ name: UnsafeRawBufferPointer) -> Bool {
        ByteScanner.equals(name, "x-poolgate-assertion")
    }
}
