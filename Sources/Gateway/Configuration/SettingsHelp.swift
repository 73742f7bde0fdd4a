/// The settings as `--help` shows them.
enum SettingsHelp {
    /// All of it, in lines of at most 78 characters.
    static let text: String = {
        let entries = (Setting.all + [.file]).map { setting in
            let head = "\(setting.flag)\(setting.placeholder.map { " \($0)" } ?? "")"
            let initial = setting.initial.isEmpty ? "" : " (default: \(setting.initial))"
            return "  \(head)\n" + wrapped(setting.meaning + initial, indent: 6)
        }
        let rules = """
            Every setting is a flag, an environment variable and a key of the YAML file, under one name: \
            --max-head-bytes, POOLGATE_MAX_HEAD_BYTES, 'max-head-bytes:'. A flag beats a variable, a variable beats \
            the file. An empty variable counts as unset. A variable that begins with POOLGATE_ and is none of these \
            is a mistake, but for those that Kubernetes and Docker make for a service of that name.
            """
        return wrapped(rules, indent: 0) + "\n\n" + entries.joined(separator: "\n")
    }()

    /// Breaks a text at blanks into lines of at most 78 characters.
    private static func wrapped(_ text: String, indent: Int) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > 78 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return (lines + [line]).map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
    }
}
