/// Every setting with its value and its source, as JSON and as a table.
struct ConfigurationReport: Codable, Sendable {
    let settings: [Row]
    /// The mistakes in the settings, one sentence each.
    let mistakes: [String]

    /// One setting.
    struct Row: Codable, Sendable {
        let name: String
        /// What it is, without secrets; absent where it is not set and has no default.
        let value: String?
        /// `flag`, `variable`, `file` or `default`.
        let source: String
        /// The flag, the variable, or the file with the line, such as `/etc/poolgate/poolgate.yaml:12`; absent for a default.
        let from: String?
        /// What it is unless set; absent where there is none.
        let initial: String?

        enum CodingKeys: String, CodingKey {
            case name, value, source, from
            case initial = "default"
        }
    }

    /// The report of what was read.
    init(_ read: ReadSettings) {
        // Of a setting that was given twice, such as by DATABASE_URL, the later one counts.
        var given: [String: GivenSetting] = [:]
        for setting in read.given { given[setting.setting.name] = setting }
        settings = (Setting.all + [.file]).map { setting in
            Row(setting, given[setting.name], read.settings)
        }
        mistakes = read.mistakes
    }

    /// The settings for a person.
    var table: TextTable {
        TextTable(
            ["SETTING", "VALUE", "SOURCE"],
            rows: settings.map { [$0.name, $0.value ?? "–", $0.from ?? $0.source] })
    }
}

extension ConfigurationReport.Row {
    fileprivate init(_ setting: Setting, _ given: GivenSetting?, _ settings: Settings) {
        name = setting.name
        initial = setting.initial.isEmpty ? nil : setting.initial
        guard let given else {
            (value, source, from) = (initial, "default", nil)
            return
        }
        value = ShownValue.text(given, settings)
        switch given.source {
        case .flag(let name): (source, from) = ("flag", name)
        case .variable(let name): (source, from) = ("variable", name)
        case .file(let path, let line):
            (source, from) = ("file", path + (line.map { ":\($0)" } ?? ""))
        }
    }
}
