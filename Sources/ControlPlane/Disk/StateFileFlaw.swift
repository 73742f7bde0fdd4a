import Glibc

/// Why a file of the state directory could not be read, or not be written.
package enum StateFileFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no file.
    case absent
    /// The file or its folder belongs to somebody else or lets others write.
    case untrusted
    /// The file is damaged, or of another version of the format.
    case damaged
    /// Changes cannot be added to what is on disk; the whole content is to be written.
    case notContinuable
    /// The system refuses, for the reason with this number (errno).
    case system(Int32)

    /// A sentence without its full stop.
    package var description: String {
        switch self {
        case .absent: "there is none"
        case .untrusted: "it, or its folder, belongs to another user or can be written by others"
        case .damaged: "it is damaged or of another version"
        case .notContinuable: "somebody else has written it"
        case .system(let number): "the system refuses it: \(String(cString: strerror(number)))"
        }
    }

    /// The flaw that `errno` tells.
    static var current: StateFileFlaw { errno == ENOENT ? .absent : .system(errno) }
}
