import ArgumentParser
import Gatekeeper

/// A pool that a command is given, in any form in which one is printed.
enum PoolArgument {
    /// The pool's id; prints what is wrong, and throws the exit status of a wrong use.
    static func poolID(_ text: String) throws(ExitCode) -> String {
        guard let poolID = parsed(text) else {
            Output.complaint(
                "\(Printable.value(text)) names no user pool: write its id, such as eu-west-1_PwMfVzLQg")
            throw .usage
        }
        return poolID.description
    }

    /// The pool that a text names: an id, `eu-west-1/eu-west-1_abc` as the log has it, an ARN, an issuer, or the URL of its
    /// keys. Of what slashes divide, the last part that is an id counts.
    static func parsed(_ text: String) -> PoolID? {
        text.trimmed.split(separator: "/").reversed().lazy.compactMap { PoolID(String($0)) }.first
    }
}
