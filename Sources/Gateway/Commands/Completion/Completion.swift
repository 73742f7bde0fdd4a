/// What may be typed next, by what is typed already.
struct Completion {
    let commands: CommandTree

    /// Commands that take the settings of `serve`.
    private static let withoutSettings: Set = ["help", "version", "completion", "example", "config"]

    /// The words that begin as the last of `words` does and may stand in its place; `@file` and `@folder` stand for the
    /// paths that begin so. `words` are those behind the program's name.
    func candidates(_ words: [String]) -> [String] {
        guard let current = words.last else { return commands.shownCommands.map(\.commandName) }
        var command = commands
        var path: [String] = []
        for word in words.dropLast() where !word.hasPrefix("-") {
            guard let next = command.shownCommands.first(where: { $0.commandName == word }) else { break }
            command = next
            path.append(word)
        }
        let before = words.dropLast().last
        if let before, let values = values(behind: before, of: command) { return begun(values, current) }
        if let equals = current.firstIndex(of: "="), current.hasPrefix("--"),
            let values = values(behind: String(current[..<equals]), of: command)
        {
            let rest = String(current[current.index(after: equals)...])
            return begun(values, rest)
        }
        let names = command.shownCommands.map(\.commandName)
        if !names.isEmpty, !current.hasPrefix("-") {
            return begun(names + (path.isEmpty ? ["help"] : []), current)
        }
        if path == ["completion"] { return begun(CompletionCommand.Shell.allCases.map(\.rawValue), current) }
        if path == ["help"] { return begun(commands.shownCommands.map(\.commandName), current) }
        return begun(flags(of: command, path).sorted(), current)
    }

    private func begun(_ words: [String], _ current: String) -> [String] {
        words.filter { $0.hasPrefix("@") || $0.hasPrefix(current) }
    }

    private func flags(of command: CommandTree, _ path: [String]) -> [String] {
        let own = command.flags.map(\.flag) + ["--help"]
        guard let name = path.last, !Completion.withoutSettings.contains(name) else { return own }
        return Array(Set(own + (Setting.all + [.file]).map(\.flag)))
    }

    /// What may stand behind a flag; nil where it takes nothing, or is none.
    private func values(behind flag: String, of command: CommandTree) -> [String]? {
        if let own = command.flags.first(where: { $0.flag == flag }) {
            return own.takesValue ? own.values : nil
        }
        guard let setting = (Setting.all + [.file]).first(where: { $0.flag == flag }) else { return nil }
        switch setting.placeholder {
        case nil: return nil
        case "FILE": return ["@file"]
        case "FOLDER": return ["@folder"]
        case let placeholder?: return Completion.values[setting.name] ?? alternatives(placeholder)
        }
    }

    /// The values of settings that have few.
    private static let values = [
        "log-level": ["trace", "debug", "info", "notice", "warning", "error", "critical"],
        "log-format": ["json", "text"], "proxy-protocol": ["off", "v2"],
    ]

    /// `on|off` names its values; other placeholders, such as `SIZE`, only what kind they are.
    private func alternatives(_ placeholder: String) -> [String] {
        placeholder.contains("|") ? placeholder.split(separator: "|").map(String.init) : []
    }
}
