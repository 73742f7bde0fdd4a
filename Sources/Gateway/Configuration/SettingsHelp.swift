/// The settings as `--help` shows them.
enum SettingsHelp {
    static let text: String = {
        let entries = (Setting.all + [.file]).map { setting in
            let head = "\(setting.flag)\(setting.placeholder.map { " \($0)" } ?? "")"
            let initial = setting.initial.isEmpty ? "" : " (default: \(setting.initial))"
            return "  \(head)\n      \(setting.meaning)\(initial)"
        }
        return """
            Every setting is a flag, an environment variable and a key of the YAML file, under one name:
            --max-head-bytes, POOLGATE_MAX_HEAD_BYTES and 'max-head-bytes:'. A flag beats a variable, a variable
            the file. An empty variable counts as unset.

            \(entries.joined(separator: "\n"))
            """
    }()
}
