/// Why a response of a key endpoint is no set of keys to use.
package enum KeySetFlaw: Error, Equatable, Sendable, CustomStringConvertible {
    case tooLarge
    case badJSON(JSONFlaw)
    /// No array `keys`.
    case noKeys
    /// Not one key of it can be used; the text says why of the first.
    case noUsableKey(String)

    /// A sentence without its full stop.
    package var description: String {
        switch self {
        case .tooLarge: "the key set is larger than \(Limits.keySetBytes) bytes"
        case .badJSON(let flaw): "the key set is no strict JSON (\(flaw))"
        case .noKeys: "the answer holds no array 'keys'"
        case .noUsableKey(let reason): "the key set holds no usable key: \(reason)"
        }
    }
}
