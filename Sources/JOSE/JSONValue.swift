/// One value of a parsed JSON text; each reader below is nil where the value is of another type.
package struct JSONValue: Sendable {
    /// The types of RFC 8259 §3.
    package enum Kind: Sendable {
        case object, array, string, number, bool, null
    }

    let document: JSONDocument
    let index: Int

    init(document: JSONDocument, index: Int) {
        self.document = document
        self.index = index
    }

    /// Parses a whole JSON text of any type, of at most `maximumBytes`.
    package init(parsing text: [UInt8], maximumBytes: Int = Limits.jsonBytes) throws(JSONFlaw) {
        guard text.count <= maximumBytes else { throw .tooLarge }
        self.init(document: try JSONParser.parse(terminated: text + [0]), index: 0)
    }

    /// Which type it is.
    package var kind: Kind {
        switch document.tape[index].kind {
        case .object: .object
        case .array: .array
        case .string: .string
        case .number: .number
        case .yes, .no: .bool
        case .null: .null
        }
    }

    /// A string's unescaped bytes: UTF-8, perhaps with NUL and line ends in it.
    package var string: [UInt8]? {
        kind == .string ? Array(document.text(at: index)) : nil
    }

    /// Whether it is this string, byte by byte.
    package func isString(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { document.string(at: index, is: UnsafeRawBufferPointer($0)) }
    }

    /// A boolean.
    package var bool: Bool? {
        switch document.tape[index].kind {
        case .yes: true
        case .no: false
        case .object, .array, .string, .number, .null: nil
        }
    }

    /// A number as it is written; at most 32 bytes.
    package var numberText: [UInt8]? {
        kind == .number ? Array(document.text(at: index)) : nil
    }

    /// A number as a date (RFC 7519 §2).
    package var numericDate: NumericDate? {
        kind == .number ? NumericDate(document.text(at: index)) : nil
    }

    /// An array's elements.
    package var array: [JSONValue]? {
        guard kind == .array else { return nil }
        var elements: [JSONValue] = []
        let count = Int(document.tape[index].count)
        elements.reserveCapacity(count)
        var place = index + 1
        for _ in 0..<count {
            elements.append(JSONValue(document: document, index: place))
            place = Int(document.tape[place].end)
        }
        return elements
    }

    /// An object.
    package var object: JSONObject? {
        kind == .object ? JSONObject(document: document, index: index) : nil
    }
}
