/// Field names as CGI (RFC 3875 §4.1.18) and the frameworks that follow it fold them into variables: small letters, and
/// `_` for every byte that is no letter or digit. Services that read variables cannot tell `X-User` from `x_user`, so
/// whatever is removed from a client's request is removed by its collapsed name.
///
/// This is the only place that says how a name is folded: those who remove fields and those who say what is removed use
/// it alike. The hash is FNV-1a, of which a scan of the name can compute a step with each byte that it looks at.
@usableFromInline package enum CollapsedName {
    /// The hash of no bytes: FNV-1a's offset basis.
    @inlinable package static var seed: UInt32 { 0x811C_9DC5 }
    /// The hash is made of so many bytes of a name; no name that is looked for has more.
    @inlinable package static var hashedBytes: Int { 64 }

    /// The hash of what `hash` stands for and one byte more, which is folded first.
    @inlinable @inline(__always) package static func hash(_ hash: UInt32, adding byte: UInt8) -> UInt32 {
        self.hash(hash, addingFolded: fold(byte))
    }

    /// The hash of what `hash` stands for and one byte more, which is folded already.
    @inlinable @inline(__always)
    package static func hash(_ hash: UInt32, addingFolded folded: UInt8) -> UInt32 {
        (hash ^ UInt32(folded)) &* 0x0100_0193
    }

    /// The folded form of one byte.
    @inlinable @inline(__always) package static func fold(_ byte: UInt8) -> UInt8 {
        let lowered = byte | 0x20
        if ASCII.isLower(lowered) { return lowered }
        return ASCII.isDigit(byte) ? byte : ASCII.underscore
    }

    /// The folded form of a byte that may stand in a token (RFC 9110 §5.6.2), and 0 for every other: one look tells both,
    /// since every byte of every name is asked for both.
    @inlinable @inline(__always) package static func foldedToken(_ byte: UInt8) -> UInt8 {
        byte < 128 ? foldedTokens.utf8Start[Int(byte)] : 0
    }

    /// What `foldedToken` says of the first 128 bytes.
    @inlinable package static var foldedTokens: StaticString {
        """
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
        \0_\0_____\0\0__\0__\00123456789\0\0\0\0\0\0\
        \0abcdefghijklmnopqrstuvwxyz\0\0\0__\
        _abcdefghijklmnopqrstuvwxyz\0_\0_\0
        """
    }

    /// Whether a name folds to `folded`, byte by byte.
    @inlinable package static func folds(_ name: UnsafeRawBufferPointer, to folded: [UInt8]) -> Bool {
        guard name.count == folded.count else { return false }
        for index in folded.indices where fold(name[index]) != folded[index] { return false }
        return true
    }

    /// The folded form of a name's first `count` bytes, all of them where there are fewer.
    package static func folded(_ name: UnsafeRawBufferPointer, atMost count: Int) -> [UInt8] {
        let count = min(count, name.count)
        return [UInt8](unsafeUninitializedCapacity: count) { folded, initialized in
            for index in 0..<count { folded.initializeElement(at: index, to: fold(name[index])) }
            initialized = count
        }
    }

    /// The hash that `HeadField.collapsedHash` holds for this name.
    package static func hash(_ name: some Sequence<UInt8>) -> UInt32 {
        name.prefix(hashedBytes).reduce(seed) { hash($0, adding: $1) }
    }
}
