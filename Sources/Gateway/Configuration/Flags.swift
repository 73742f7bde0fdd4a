/// The settings among a command's arguments: `--name value`, `--name=value`, and `--name` alone where it is on or off.
struct Flags {
    private var values: [String: String] = [:]
    private(set) var mistakes: [String] = []

    /// Takes the arguments that the command itself does not know; of a repeated flag the last counts.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
                mistakes.append("'\(Printable.text(argument))' is no setting: settings begin with '--'")
                continue
            }
            let parts = argument.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let attached = parts.count == 2 ? String(parts[1]) : nil
            guard let setting = Flags.setting(name) else {
                mistakes.append(Flags.unknown(name))
                // What follows is its value, unless it is a flag itself.
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

    /// The flag's text; nil where it is absent or empty.
    func value(of setting: Setting) -> String? {
        values[setting.name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func setting(_ name: String) -> Setting? {
        name == Setting.file.name ? .file : Setting.named(name)
    }

    private static func unknown(_ name: String) -> String {
        let names = (Setting.all + [.file]).map(\.name)
        let advice = Resemblance.nearest(to: name, among: names).map { "; did you mean '--\($0)'?" }
        return "'--\(Printable.text(name))' is no setting\(advice ?? "")"
    }
}
