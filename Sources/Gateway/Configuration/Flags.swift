/// The settings among a command's arguments: `--name value`, `--name=value`, and `--name` alone for a setting that is on or
/// off.
struct Flags {
    private var values: [String: String] = [:]
    /// One sentence for each argument that is no setting, or lacks its value.
    private(set) var mistakes: [String] = []

    /// Reads the arguments that the command itself does not know. Of a repeated flag, the last one counts.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        var previous: String?
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
                mistakes.append(Flags.stray(argument, behind: previous))
                continue
            }
            let parts = argument.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let attached = parts.count == 2 ? String(parts[1]) : nil
            let setting = Flags.setting(name)
            previous = setting?.flag
            guard let setting else {
                mistakes.append(Flags.unknown(name))
                // The next argument is the value of the unknown flag, unless it is a flag itself.
                if attached == nil, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
                continue
            }
            if let attached {
                values[name] = attached
            } else if setting.placeholder == nil {
                values[name] = "true"
            } else if let value = rest.popFirst() {
                values[name] = value
            } else {
                mistakes.append("--\(name) needs a value: --\(name) \(setting.placeholder ?? "")")
            }
        }
    }

    /// The text that a flag gives for the setting; nil where there is none, or an empty one.
    func value(of setting: Setting) -> String? {
        values[setting.name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func setting(_ name: String) -> Setting? {
        name == Setting.file.name ? .file : Setting.named(name)
    }

    /// The mistake of an argument that belongs to no flag. It is not quoted: it may be part of a token with a blank in it, or
    /// a URL without its flag.
    private static func stray(_ argument: String, behind flag: String?) -> String {
        let place = flag.map { "a word behind \($0)" } ?? "a word among the arguments"
        let names = (Setting.all + [.file]).map(\.name)
        if Printable.isName(argument), let name = Resemblance.nearest(to: argument, among: names) {
            return "\(place) is no setting: settings begin with '--'; did you mean '--\(name)'?"
        }
        if argument.contains("://") {
            return
                "\(place) is a URL without its flag: write --database-url URL, or set POOLGATE_DATABASE_URL"
        }
        return "\(place) is no setting: settings begin with '--', and a value with blanks in it needs quotes"
    }

    /// The mistake of a flag that is no setting.
    private static func unknown(_ name: String) -> String {
        if let secret = Setting.all.first(where: { $0.isSecret && name.hasPrefix($0.name) }) {
            return "a flag that begins with '\(secret.flag)' is no setting: "
                + "write \(secret.flag) \(secret.placeholder ?? "")"
        }
        guard Printable.isName(name) else {
            return "a flag among the arguments is no setting; it is not shown, for it may hold a secret"
        }
        let names = (Setting.all + [.file]).map(\.name)
        let advice = Resemblance.nearest(to: name, among: names).map { "; did you mean '--\($0)'?" }
        return "'--\(name)' is no setting\(advice ?? ": 'poolgate serve --help' lists them")"
    }
}
