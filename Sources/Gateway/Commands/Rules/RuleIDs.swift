import ArgumentParser

/// The ids of rules that a command was given.
enum RuleIDs {
    /// The words, each of which is a number; prints what is none, and throws the exit status of a wrong use.
    static func read(_ words: [String]) throws(ExitCode) -> [String] {
        for word in words where Int64(word) == nil {
            Output.complaint(
                "\(Printable.value(word)) is no rule's id, which is a number: 'poolgate rules list HOST' shows them"
            )
            throw .usage
        }
        return words
    }
}
