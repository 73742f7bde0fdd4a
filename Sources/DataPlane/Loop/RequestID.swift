/// The name of one request, by which it is found again: in `X-Request-Id` of what goes upstream and of the response, in
/// `request_id` of a refusal, of the log and of a span.
package struct RequestID: Sendable, Hashable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64
    /// What a trusted balancer calls the request, which then is its name here, too; nil where the gateway named it.
    private let given: GivenName?

    /// A class, so that the many names that are made carry one empty reference.
    private final class GivenName: Sendable, Hashable {
        let bytes: [UInt8]

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        static func == (left: GivenName, right: GivenName) -> Bool { left.bytes == right.bytes }
        func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
    }

    /// That of a record that no response belongs to.
    package static let none = RequestID(high: 0, low: 0)

    /// A name that nobody draws twice.
    package static func random() -> RequestID {
        RequestID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    /// The name made of 128 bits.
    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        given = nil
    }

    /// A balancer's name for a request: 1 to `Limits.requestIDBytes` of visible ASCII without quotation marks and
    /// backslashes, so that it stands in a field, in JSON and in a terminal as it is. Nil for anything else.
    init?(given name: UnsafeRawBufferPointer) {
        guard !name.isEmpty, name.count <= Limits.requestIDBytes,
            name.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            )
        else { return nil }
        high = 0
        low = 0
        given = GivenName(Array(name))
    }

    /// 32 lower-case hexadecimal digits, or the balancer's words.
    package var description: String {
        if let given { return String(decoding: given.bytes, as: UTF8.self) }
        return HexadecimalDigits.text(high) + HexadecimalDigits.text(low)
    }

    /// Writes it into a head.
    func write(into output: inout HeadCursor) {
        if let given { return output.write(given.bytes) }
        output.write(hexadecimal: high)
        output.write(hexadecimal: low)
    }
}

/// Draws the names of one loop's requests and spans: SplitMix64 (Steele, Lea and Flood, 2014), begun with what the system
/// gives, since the system's own numbers would cost a call of the kernel each. They are unlike those of every other loop
/// and gateway, and no secret.
struct IDGenerator {
    private var state: UInt64
    private let stream: UInt64

    /// A generator that begins with these numbers.
    init(seed: UInt64, stream: UInt64) {
        state = seed
        // Each odd step is a sequence of its own.
        self.stream = stream | 1
    }

    /// The next 64 bits.
    mutating func next() -> UInt64 {
        state &+= stream
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// The next request's name.
    mutating func requestID() -> RequestID { RequestID(high: next(), low: next()) }
}
