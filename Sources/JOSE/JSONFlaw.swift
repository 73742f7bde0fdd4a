/// What keeps bytes from being a JSON text that we accept; `description` is a sentence without its full stop.
package enum JSONFlaw: Error, Hashable, Sendable, CustomStringConvertible, CaseIterable {
    // Not JSON (RFC 8259), or not UTF-8.
    case unexpectedByte, unexpectedEnd, trailingBytes, invalidNumber, invalidEscape, unpairedSurrogate
    case controlCharacter, invalidUTF8
    // JSON, but ambiguous or not what is wanted.
    case duplicateMember, notAnObject
    // Too much of it.
    case tooLarge, tooDeep, tooManyMembers, numberTooLong

    /// A sentence without its full stop.
    package var description: String {
        switch self {
        case .unexpectedByte: "a byte stands where JSON allows none like it"
        case .unexpectedEnd: "the JSON text ends too early"
        case .trailingBytes: "bytes follow the JSON text"
        case .invalidNumber: "a number is not written as JSON wants it"
        case .invalidEscape: "a string holds an unknown escape"
        case .unpairedSurrogate: "a string escapes half of a surrogate pair"
        case .controlCharacter: "a string holds a raw control character"
        case .invalidUTF8: "a string is not UTF-8"
        case .duplicateMember: "an object names a member twice"
        case .notAnObject: "the JSON text is no object"
        case .tooLarge: "the JSON text is too large"
        case .tooDeep: "the JSON text nests deeper than \(Limits.jsonDepth) levels"
        case .tooManyMembers: "an object has more than \(Limits.jsonMembersPerObject) members"
        case .numberTooLong: "a number is longer than \(Limits.jsonNumberBytes) bytes"
        }
    }
}
