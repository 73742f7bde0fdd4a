/// Networks that were written without a mask: `10.1.0.0` looks like a network, but would be read as one address.
enum BareNetwork {
    /// What is wrong with an element of a list of networks; nil for a network with its mask, and for what can only be meant
    /// as one address.
    static func flaw(_ text: String) -> String? {
        guard !text.contains("/") else { return nil }
        let bits: Int
        let whole: Int
        if text.contains(":") {
            guard text.hasSuffix("::") else { return nil }
            (bits, whole) = (text.dropLast(2).split(separator: ":").count * 16, 128)
        } else {
            let parts = text.split(separator: ".")
            guard parts.last == "0" else { return nil }
            (bits, whole) = ((parts.lastIndex { $0 != "0" } ?? -1) * 8 + 8, 32)
        }
        return "names \(text) without a mask: write \(text)/\(bits) for the network, or \(text)/\(whole) "
            + "for the one address"
    }
}
