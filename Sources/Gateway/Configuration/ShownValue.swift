import Postgres

/// The text of a setting as `poolgate config show` shows it: without anything that may be a secret.
enum ShownValue {
    /// What stands in place of a secret.
    static let hidden = "(hidden)"

    /// The text that was given for a setting; `settings` are those that were made of it.
    static func text(_ given: GivenSetting, _ settings: Settings) -> String {
        if given.isFlawed { return given.setting.isSecret ? hidden : Printable.value(given.text) }
        guard given.setting.isSecret else { return given.text }
        if given.setting.name == "database-url" { return settings.databaseURL?.description ?? hidden }
        guard given.text.contains("://") else { return hidden }
        return given.text.split(separator: " ").map { withoutSecrets(String($0)) }.joined(separator: " ")
    }

    /// A URL with its user information and its query hidden, both of which may hold passwords and keys.
    static func withoutSecrets(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return hidden }
        var rest = url[scheme.upperBound...]
        let user = rest.lastIndex(of: "@").map { mark in
            rest = rest[rest.index(after: mark)...]
            return "\(hidden)@"
        }
        let bare = rest.prefix { !"?#".contains($0) }
        return url[..<scheme.upperBound] + (user ?? "") + bare + (bare.count < rest.count ? "?\(hidden)" : "")
    }
}
