/// What is a number of the house's own choice.
extension HouseRule {
    static let limits = HouseRule(
        claim: "Times, sizes and other bounds stand in Limits",
        exceptions: [
            Exception(
                [
                    "Gateway/SettingTable.swift", "Gateway/AssertionSettings.swift", "Gateway/Settings.swift",
                    "DataPlane/ProxySettings.swift",
                ],
                because: "they are the settings: what each may be, and is where nobody says otherwise"),
            Exception(
                [
                    "ControlPlane/SavedBytes.swift", "ControlPlane/SavedRows.swift",
                    "ControlPlane/StateFileFormat.swift",
                ], "Bytes = ", because: "they are the file's format"),
            Exception(["Gateway/Quantity.swift"], because: "it says what the units of settings mean"),
            Exception(["Gatekeeper/CivilDate.swift"], because: "its numbers are the calendar's"),
            Exception(
                ["ControlPlane/DirectoryQueries.swift", "Postgres/PostgresTransactionMode.swift"],
                "serverVersion",
                because: "Postgres numbers its versions so"),
            Exception(
                ["ControlPlane/CacheControl.swift"], "2_147_483_648", because: "RFC 9111 §1.2.2 says so"),
            Exception(
                ["JOSE/TokenFingerprint.swift"], "keyBytes = 16", because: "AES-128 has keys of 16 bytes"),
            Exception(
                ["JOSE/ES256Key.swift"], "Bytes = ", because: "RFC 7518 §3.4 and RFC 3279 §2.2.3 say so"),
            Exception(
                ["Gateway/Postmaster.swift"], "static let port = 5432", because: "it is Postgres' own port"),
            Exception(
                ["DataPlane/HTTPDate.swift"], "253_402_300_799", because: "it is the end of the year 9999"),
            Exception(
                ["DataPlane/ExchangeAction.swift"], "case ",
                because: "RFC 6455 numbers the reasons for closing"),
        ],
        violations: [
            "wait(for: .seconds(5))", "let size = 1 << 20", "let size = 64 * 1024",
            "sleep(.milliseconds(50))",
            "let size = 4096", "static let maxFields = 64", "let timeout: Double = 2.5",
            "TimeAmount.minutes(1)",
            "buffer.reserve(16_384)", "let retryPause = .seconds(1) + jitter",
        ],
        innocents: [
            "wait(for: .seconds(limit))", "let mask = 0x8080", "let next = a + 1",
            "let ms = nanoseconds / 1_000_000",
            "let bit = 1 << shift", "let kind = 4", "wait(for: .zero)", "// 4096 bytes",
            "let maxFields = fields.count",
            "let us = seconds * 1_000_000", "let bit = 1 << 3", "let isPort = number <= 65_535",
            "let day = seconds / 86_400",
        ],
        findings: { file in
            guard !file.path.hasSuffix("Limits.swift") else { return [] }
            return file.findings { token, index in
                guard token.kind == .number else { return false }
                return file.isTime(at: index) || file.isShiftedSize(at: index) || file.isLarge(at: index)
                    || file.isNamedBound(at: index)
            }
        })
}

extension SwiftFile {
    private static let units: Set = [
        "nanoseconds", "microseconds", "milliseconds", "seconds", "minutes", "hours",
    ]

    /// `.seconds(5)`
    fileprivate func isTime(at index: Int) -> Bool {
        guard let open = token(index, -1), open.is("("), let unit = token(index, -2) else { return false }
        return Self.units.contains(unit.text) && token(index, -3)?.is(".") == true
            && tokens[index].text != "0"
            && token(index, 1)?.is(")") == true
    }

    /// `1 << 20`
    fileprivate func isShiftedSize(at index: Int) -> Bool {
        token(index, -1)?.is("<") == true && token(index, -2)?.is("<") == true
            && token(index, -3)?.kind == .number && (Int(tokens[index].text) ?? 0) >= 10
    }

    /// What turns one unit of time or of counting into another.
    private static let factors: Set = [
        1000, 3600, 86_400, 3_600_000, 86_400_000, 1_000_000, 1_000_000_000, 1_000_000_000_000,
        1_000_000_000_000_000, 1_000_000_000_000_000_000,
    ]

    /// A decimal number of four digits or more, unless it turns one unit into another or is the greatest port.
    fileprivate func isLarge(at index: Int) -> Bool {
        guard let value = Int(tokens[index].text.filter { $0 != "_" }), value >= 1000, value != 65_535 else {
            return false
        }
        let around = [token(index, -1), token(index, 1), token(index, -2)].compactMap { $0 }
        let converts =
            around.contains { $0.is("*") || $0.is("/") || $0.is("%") }
            || token(index, -1)?.is(":") == true && token(index, -2)?.isWord("by") == true
        return !(converts && Self.factors.contains(value))
    }

    /// `let maxFields = 64`
    fileprivate func isNamedBound(at index: Int) -> Bool {
        guard token(index, -1)?.is("=") == true, (Double(tokens[index].text) ?? 0) > 1 else { return false }
        var place = index - 2
        // Over a type.
        while place > 0, tokens[place].line == tokens[index].line, tokens[place].text != "let" {
            if tokens[place].isWord("var") { return false }
            place -= 1
        }
        guard place >= 0, tokens[place].text == "let", let name = token(place, 1)?.text.lowercased() else {
            return false
        }
        return ["max", "limit", "capacity", "timeout", "interval", "pause", "seconds", "bytes", "size"]
            .contains {
                name.contains($0)
            }
    }
}
