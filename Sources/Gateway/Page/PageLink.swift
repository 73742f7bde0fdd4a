import Gatekeeper

/// An address on the admin port. Every part that is not in the source is percent-encoded (RFC 3986 §2.1), so that it can
/// neither leave its part nor lead elsewhere.
struct PageLink: Sendable, Equatable, CustomStringConvertible {
    /// As it stands in a document or in `Location`.
    let description: String

    private init(_ description: String) {
        self.description = description
    }

    static let overview = PageLink("/")
    static let signIn = PageLink("/sign-in")
    static let signOut = PageLink("/sign-out")
    /// An icon that is none, so that a browser asks for no other.
    static let noIcon = PageLink("data:,")

    /// A place on the page that is shown.
    static func fragment(_ id: StaticString) -> PageLink { PageLink("#\(id)") }

    /// The overview with fields of its query, those without a value left out, at one of its sections.
    static func overview(_ fields: [(name: StaticString, value: String?)], at section: StaticString)
        -> PageLink
    {
        let query = fields.compactMap { field in
            field.value.map { "\(field.name)=\(encoded($0))" }
        }.joined(separator: "&")
        return PageLink("/\(query.isEmpty ? "" : "?")\(query)#\(section)")
    }

    /// The page of a tenant.
    static func tenant(_ host: HostPattern) -> PageLink { PageLink("/tenants/\(encoded(host.description))") }

    /// Where a tenant's form asks for an explanation.
    static func explain(_ host: HostPattern) -> PageLink {
        PageLink("/tenants/\(encoded(host.description))/explain#explain")
    }

    /// A file that the program carries.
    static func asset(_ asset: PageAsset) -> PageLink { PageLink("/assets/\(asset.name)") }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            isUnreserved(byte)
                ? String(UnicodeScalar(byte))
                : "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    /// Whether a byte stands for itself everywhere (RFC 3986 §2.3).
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
