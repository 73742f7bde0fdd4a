/// The values of a field that may stand in a head more than once, such as `Cookie` (RFC 9113 §8.2.3), in their order.
///
/// The first one, which mostly is the only one, needs no memory beyond the value itself.
package struct FieldValues {
    private var first: UnsafeRawBufferPointer?
    private var others: [UnsafeRawBufferPointer] = []

    /// No values.
    package init() {}

    /// Adds the value of one more field.
    package mutating func append(_ value: UnsafeRawBufferPointer) {
        if first == nil {
            first = value
        } else {
            others.append(value)
        }
    }

    /// Calls `body` with each value.
    func each(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard let first else { return }
        body(first)
        for value in others { body(value) }
    }
}
