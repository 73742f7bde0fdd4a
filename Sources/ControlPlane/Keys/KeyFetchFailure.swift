package import JOSE

/// Why a fetch brought no usable key set.
package enum KeyFetchFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The endpoint gave no whole response.
    case transfer(TransferFailure)
    /// A response with a status other than 200.
    case status(Int)
    /// A redirect, which is never followed.
    case redirect(Int)
    /// A 200 whose body is no key set with a usable key.
    case unusableKeySet(KeySetFlaw)

    /// A sentence without its full stop, for logs and the health table.
    package var description: String {
        switch self {
        case .transfer(let failure): failure.description
        case .status(let status): "the key endpoint answers \(status)"
        case .redirect(let status): "the key endpoint answers \(status), and redirects are not followed"
        case .unusableKeySet(let flaw): "the answer is no usable key set: \(flaw)"
        }
    }

    /// One word that stands for the kind of failure, for logs and metrics.
    package var reason: String {
        switch self {
        case .transfer(let failure): failure.reason
        case .status: "status"
        case .redirect: "redirect"
        case .unusableKeySet: "unusable_key_set"
        }
    }
}
