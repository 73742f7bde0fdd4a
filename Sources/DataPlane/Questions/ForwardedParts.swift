import Gatekeeper
import HTTPMessage

/// What the fields of a forward-auth question say of the request that it is about: its method, host and target, each from
/// one field of one family (ops/guide/forward-auth.md).
struct ForwardedParts {
    private(set) var method = HeadSlice()
    private(set) var host = HeadSlice()
    private(set) var target = HeadSlice()
    /// The family that was met; nil where none was. Where both were it is nginx's, to which fewer statuses can be said.
    private(set) var form: QuestionForm?
    /// Why nobody can say what the question is about.
    private(set) var flaw: QuestionFlaw?

    /// Reads the fields of a question's head, which `bytes` begins with.
    init(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer, _ names: QuestionNames) {
        for field in fields where field.known == .other {
            guard let name = names.family(of: field, bytes) else { continue }
            take(field, name, bytes)
        }
        if flaw == nil { flaw = firstLack(bytes) }
    }

    private mutating func take(
        _ field: HeadField, _ name: QuestionNames.Name, _ bytes: UnsafeRawBufferPointer
    ) {
        if form != nil, form != name.form {
            note(.bothFamilies)
            form = .original
        } else {
            form = name.form
        }
        guard ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[field.name.range]), name.text) else {
            return note(.misspelled)
        }
        switch name.part {
        case .method:
            if method != HeadSlice() { note(.repeated) }
            method = field.value
        case .host:
            if host != HeadSlice() { note(.repeated) }
            host = field.value
        case .target:
            if target != HeadSlice() { note(.repeated) }
            target = field.value
        }
    }

    /// The first flaw stays.
    private mutating func note(_ flaw: QuestionFlaw) {
        if self.flaw == nil { self.flaw = flaw }
    }

    private func firstLack(_ bytes: UnsafeRawBufferPointer) -> QuestionFlaw? {
        if host.isEmpty { return .noHost }
        if method.isEmpty { return .noMethod }
        if target.isEmpty { return .noURI }
        // A target may hold a comma, but no space behind it, with which lists are written (RFC 9110 §5.6.1).
        let isListed =
            bytes[method.range].contains(ForwardedParts.comma)
            || bytes[host.range].contains(ForwardedParts.comma)
            || bytes[target.range].contains { $0 == ASCII.space || $0 == 9 }
                && bytes[target.range].contains(ForwardedParts.comma)
        return isListed ? .listed : nil
    }

    private static let comma = UInt8(ascii: ",")
}

/// The names of the fields that say what a forward-auth question is about, and who asks.
struct QuestionNames: Sendable {
    private let names: [Name]
    private let caller: Name

    /// The field by which a caller proves that it may ask.
    static let callerField: StaticString = "x-poolgate-caller"

    /// One name.
    struct Name: Sendable {
        let form: QuestionForm
        let part: Part
        let text: StaticString
        /// The name as services that read variables know it, and its hash.
        let collapsed: [UInt8]
        let hash: UInt32

        init(_ form: QuestionForm, _ part: Part, _ text: StaticString) {
            self.form = form
            self.part = part
            self.text = text
            collapsed = text.description.utf8.map(CollapsedName.fold)
            hash = CollapsedName.hash(collapsed)
        }
    }

    /// What a field says.
    enum Part: Sendable {
        case method, host, target
    }

    init() {
        names = [
            Name(.forwarded, .method, "x-forwarded-method"), Name(.forwarded, .host, "x-forwarded-host"),
            Name(.forwarded, .target, "x-forwarded-uri"), Name(.original, .method, "x-original-method"),
            Name(.original, .host, "x-original-host"), Name(.original, .target, "x-original-uri"),
        ]
        caller = Name(.forwarded, .host, QuestionNames.callerField)
    }

    /// The name that a field has, in whatever spelling; nil for any other field.
    func family(of field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Name? {
        names.first { $0.hash == field.collapsedHash && isNamed(field, $0, bytes) }
    }

    /// Whether a field is that of the caller's secret, as it is written.
    func isCaller(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        field.collapsedHash == caller.hash
            && ByteScanner.equals(
                UnsafeRawBufferPointer(rebasing: bytes[field.name.range]), QuestionNames.callerField)
    }

    private func isNamed(_ field: HeadField, _ name: Name, _ bytes: UnsafeRawBufferPointer) -> Bool {
        CollapsedName.folds(
            UnsafeRawBufferPointer(rebasing: bytes[field.name.range]), to: name.collapsed)
    }
}
