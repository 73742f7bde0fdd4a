/// Where the value of a setting stands.
enum SettingSource: Equatable, Sendable {
    /// A flag among the arguments, such as `--listen`.
    case flag(String)
    /// An environment variable, by its name.
    case variable(String)
    /// The YAML file, and the number of the line where that is known.
    case file(path: String, line: Int?)

    /// Where a message says that the value of `setting` stands.
    func phrase(of setting: Setting) -> String {
        switch self {
        case .flag(let name), .variable(let name): name
        case .file(let path, _): "'\(setting.name)' in \(path)"
        }
    }
}

/// A setting that somebody gave, as it was written.
struct GivenSetting: Sendable {
    let setting: Setting
    let text: String
    let source: SettingSource
    /// Whether the text is none that the setting can have.
    var isFlawed = false
}

/// What was made of arguments, environment and file, mistakes and all.
struct ReadSettings: Sendable {
    let settings: Settings
    /// The settings that were given, each at most once: of several places the one that counts.
    let given: [GivenSetting]
    /// One sentence for each mistake, without its full stop.
    let mistakes: [String]
}
