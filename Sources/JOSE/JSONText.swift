/// What makes a text no JSON to this gateway (RFC 8259), or more of it than it reads.
package enum JSONFlaw: Error, Equatable, Sendable {
    case syntax
    /// No valid UTF-8 (RFC 3629), a byte order mark included.
    case encoding
    /// A member's name stands twice in one object (RFC 7515 §4, RFC 7519 §4).
    case duplicateMember
    case tooDeep, tooManyMembers, numberTooLong
}

/// A JSON text, checked whole and kept flat: its bytes and one node a value.
///
/// Our own, because Foundation's two decoders differ from each other and from RFC 8259 on duplicate names, byte order
/// marks, UTF-16 and trailing commas, and because a token's claims are read on the way of a request.
struct JSONText: Sendable {
    let bytes: [UInt8]
    let nodes: [Node]

    struct Node: Sendable {
        let kind: Kind
        /// Whether a string holds escapes.
        var isEscaped = false
        /// Hash of a string's bytes with escapes resolved.
        var hash: UInt32 = 0
        /// Of a string without its quotes, of any other value whole.
        var start: Int32
        var end: Int32 = 0
        /// The node after this value and all it holds.
        var next: Int32 = 0
    }

    enum Kind: UInt8, Sendable {
        case object, array, string, number, yes, no, null
    }

    /// Parses the whole of `bytes`; throws what is wrong.
    init(_ bytes: [UInt8]) throws(JSONFlaw) {
        var parser = JSONParser(count: bytes.count)
        let flaw: JSONFlaw? = bytes.withUnsafeBytes { bytes in
            do throws(JSONFlaw) {
                try parser.parseText(bytes)
                return nil
            } catch {
                return error
            }
        }
        if let flaw { throw flaw }
        self.bytes = bytes
        self.nodes = parser.nodes
    }
}

/// A value inside a JSON text.
package struct JSONValue: Sendable {
    let text: JSONText
    let index: Int

    private var node: JSONText.Node { text.nodes[index] }

    /// A string's bytes with escapes resolved; nil for another type.
    package var string: [UInt8]? {
        let node = node
        guard node.kind == .string else { return nil }
        let raw = text.bytes[Int(node.start)..<Int(node.end)]
        return node.isEscaped ? JSONParser.unescaped(raw) : Array(raw)
    }

    /// A boolean; nil for another type.
    package var bool: Bool? {
        switch node.kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    /// An array's elements; nil for another type.
    package var array: [JSONValue]? {
        let node = node
        guard node.kind == .array else { return nil }
        var elements: [JSONValue] = []
        var child = index + 1
        while child < Int(node.next) {
            elements.append(JSONValue(text: text, index: child))
            child = Int(text.nodes[child].next)
        }
        return elements
    }

    /// An object; nil for another type.
    package var object: JSONObject? {
        node.kind == .object ? JSONObject(text: text, index: index) : nil
    }

    /// A number as a date (RFC 7519 §2); nil for another type.
    package var numericDate: NumericDate? {
        let node = node
        guard node.kind == .number else { return nil }
        return NumericDate(text.bytes[Int(node.start)..<Int(node.end)])
    }
}

/// An object inside a JSON text: its members by name.
package struct JSONObject: Sendable {
    let text: JSONText
    let index: Int

    /// Parses a text whose root is an object, of at most `maximumBytes`.
    package init(parsing bytes: [UInt8]) throws(JSONFlaw) {
        text = try JSONText(bytes)
        index = 0
        guard text.nodes.first?.kind == .object else { throw .syntax }
    }

    init(text: JSONText, index: Int) {
        self.text = text
        self.index = index
    }

    /// The member of exactly this name, compared as bytes.
    package subscript(name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { name in
            let hash = JSONParser.hash(name)
            var child = index + 1
            let end = Int(text.nodes[index].next)
            while child < end {
                let key = text.nodes[child]
                if key.hash == hash, holds(key, name) { return JSONValue(text: text, index: child + 1) }
                child = Int(text.nodes[child + 1].next)
            }
            return nil
        }
    }

    /// How many members there are.
    package var count: Int {
        var (count, child) = (0, index + 1)
        while child < Int(text.nodes[index].next) {
            count += 1
            child = Int(text.nodes[child + 1].next)
        }
        return count
    }

    private func holds(_ key: JSONText.Node, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = text.bytes[Int(key.start)..<Int(key.end)]
        if key.isEscaped { return JSONParser.unescaped(raw).elementsEqual(name) }
        return raw.count == name.count && raw.elementsEqual(name)
    }
}
