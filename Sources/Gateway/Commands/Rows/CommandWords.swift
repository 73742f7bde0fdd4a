import ArgumentParser

/// The words of a command besides its options: what it is about, such as a host, and the settings.
struct CommandWords {
    /// What the command is about, in the order of the words.
    let operands: [String]
    private let arguments: SettingArguments
    private let usage: String

    /// Tells the words of `arguments` apart. `usage` is what the command takes, such as `HOST COLUMN=VALUE...`.
    init(_ arguments: SettingArguments, usage: String) {
        var (operands, settings): ([String], [String]) = ([], [])
        var rest = arguments.words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                operands.append(word)
                continue
            }
            settings.append(word)
            let setting = Setting.named(String(word.dropFirst(2))) ?? CommandWords.file(word)
            if setting?.placeholder != nil, let value = rest.popFirst() { settings.append(value) }
        }
        var own = arguments
        own.words = settings
        (self.operands, self.arguments, self.usage) = (operands, own, usage)
    }

    /// The settings of this run; prints their mistakes, and throws the exit status of a wrong use.
    func readSettings() throws(ExitCode) -> Settings {
        try arguments.readWithDatabase()
    }

    /// The operands where there are as many as this; else says what the command takes, and throws the exit status of a wrong
    /// use.
    func operands(_ counts: some RangeExpression<Int>) throws(ExitCode) -> [String] {
        guard counts.contains(operands.count) else { throw misused("it takes \(usage)") }
        return operands
    }

    /// Prints what is wrong with the words; returns the exit status of a wrong use.
    func misused(_ sentence: String) -> ExitCode {
        Output.complaint(sentence)
        return .usage
    }

    private static func file(_ word: String) -> Setting? {
        word == Setting.file.flag ? .file : nil
    }
}
