import ArgumentParser

/// What the exit status of a command says; the same for every command.
enum ExitStatus: Int32, CaseIterable {
    case well = 0
    case notWell = 1
    /// EX_USAGE of sysexits.h.
    case usage = 64
    /// EX_UNAVAILABLE of sysexits.h.
    case unavailable = 69
    /// EX_IOERR of sysexits.h.
    case unprinted = 74

    /// What it means, for the help and the guide.
    var meaning: String {
        switch self {
        case .well: "done, and the answer is yes: all is well, ready, would be forwarded"
        case .notWell: "the answer is no, or what was asked for could not be done; nothing is half done"
        case .usage: "the arguments or the settings have mistakes, all of which are told; nothing was done"
        case .unavailable: "what was to be asked cannot be reached: the database, or the running gateway"
        case .unprinted: "standard output takes no more, such as a full disk: what was printed is cut short"
        }
    }

    /// The table of the help.
    static var help: String {
        "EXIT STATUS:\n"
            + allCases.map { status in
                let number = "\(status.rawValue)"
                return "  \(number)" + String(repeating: " ", count: 4 - number.count) + status.meaning
            }.joined(separator: "\n")
    }
}

extension ExitCode {
    /// The command was used wrongly.
    static let usage = ExitCode(ExitStatus.usage.rawValue)
    /// What the command needs cannot be reached.
    static let unavailable = ExitCode(ExitStatus.unavailable.rawValue)
}
