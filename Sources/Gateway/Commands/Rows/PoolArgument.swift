import ArgumentParser
import Gatekeeper

/// A pool that a command is given, in any form in which one is printed (`PoolReference`).
enum PoolArgument {
    /// The pool; prints what is wrong, and throws the exit status of a wrong use.
    static func pool(_ text: String) throws(ExitCode) -> PoolName {
        if let pool = PoolReference.pool(text) { return pool }
        Output.complaint("\(Printable.value(text)) names no pool: write \(PoolReference.forms)")
        throw .usage
    }

    /// The pool's id alone, where the region does not count.
    static func poolID(_ text: String) throws(ExitCode) -> String { try pool(text).poolID.description }
}
