import Glibc
package import JOSE

/// Why a file of the signing keys' folder gives no key, or the folder none at all.
package enum SigningKeyFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    /// What stands in it is no key that signs ES256.
    case key(ES256Key.Failure)
    /// It belongs to another user than the gateway's and root.
    case owner
    /// Others may write it, or of a file read it: the mode, as chmod has it.
    case open(mode: UInt32)
    /// It is no file.
    case noFile
    /// It is larger than a key.
    case tooLarge
    /// There are more files than are read.
    case tooMany
    /// The system refuses, for the reason with this number (errno).
    case system(Int32)

    /// A sentence without its full stop, which says what to do.
    package var description: String {
        switch self {
        case .key(let failure): failure.description
        case .owner:
            "it belongs to another user: give it to root or to the user that poolgate runs as, by 'chown'"
        case .open(let mode):
            "its mode is 0\(String(mode, radix: 8)), which lets others in: 'chmod 600' a file, 'chmod 700' the folder"
        case .noFile: "it is no file"
        case .tooLarge: "it is larger than \(Limits.signingKeyBytes) bytes, which no key is"
        case .tooMany:
            "there are more than \(Limits.signingKeys) files; only the last by name are read: remove keys that no longer sign"
        case .system(let number): "the system refuses it: \(String(cString: strerror(number)))"
        }
    }
}
