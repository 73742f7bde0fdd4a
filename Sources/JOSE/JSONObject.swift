/// A JSON object without duplicate members; members are found by their names' bytes.
package struct JSONObject: Sendable {
    let document: JSONDocument
    let index: Int

    init(document: JSONDocument, index: Int) {
        self.document = document
        self.index = index
    }

    /// Parses a whole JSON text that must be one object, of at most `maximumBytes`; RFC 8259, UTF-8, no byte
    /// order mark, no duplicate members.
    package init(parsing text: [UInt8], maximumBytes: Int = Limits.jsonBytes) throws(JSONFlaw) {
        guard text.count <= maximumBytes else { throw .tooLarge }
        try self.init(terminated: text + [0])
    }

    /// Parses the text before the zero byte at the end of `bytes`.
    init(terminated bytes: consuming [UInt8]) throws(JSONFlaw) {
        let document = try JSONParser.parse(terminated: bytes)
        guard document.tape[0].kind == .object else { throw .notAnObject }
        self.init(document: document, index: 0)
    }

    /// The value of the member called `name`; nil where there is none.
    package subscript(_ name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { value(UnsafeRawBufferPointer($0)) }
    }

    /// The same by a name fixed at compile time.
    package subscript(_ name: StaticString) -> JSONValue? {
        name.withUTF8Buffer { value(UnsafeRawBufferPointer($0)) }
    }

    /// The same by the name's bytes.
    package subscript(_ name: [UInt8]) -> JSONValue? {
        name.withUnsafeBytes { value($0) }
    }

    /// How many members there are.
    package var count: Int { Int(document.tape[index].count) }

    /// The members in the order of the text.
    package var members: [(name: [UInt8], value: JSONValue)] {
        var members: [(name: [UInt8], value: JSONValue)] = []
        members.reserveCapacity(count)
        var place = index + 1
        for _ in 0..<count {
            members.append((Array(document.text(at: place)), JSONValue(document: document, index: place + 1)))
            place = Int(document.tape[place + 1].end)
        }
        return members
    }

    private func value(_ name: UnsafeRawBufferPointer) -> JSONValue? {
        document.member(name, of: index).map { JSONValue(document: document, index: $0) }
    }
}
