package import Gatekeeper
package import JOSE

/// Why a fetch brought no usable key set.
package enum KeyFetchFailure: Error, Equatable, Sendable {
    /// The endpoint gave no whole response.
    case transfer(TransferFailure)
    /// A response with a status other than 200.
    case status(Int)
    /// A redirect, which is never followed.
    case redirect(Int)
    /// A 200 whose body is no key set with a usable key.
    case unusableKeySet(KeySetFlaw)

    /// What happened in the words of a person who has to do something about it, without a full stop: which endpoint of which
    /// pool, what it answered, and what that mostly means.
    package func sentence(of pool: PoolName, at endpoint: String?) -> String {
        let place = endpoint.map { "the key endpoint \($0)" } ?? "the key endpoint"
        return switch self {
        case .transfer(let failure): "\(place) gave no keys: \(failure)"
        case .status(let status): "\(place) answered \(status)\(KeyFetchFailure.meaning(of: status, pool))"
        case .redirect(let status): "\(place) answered \(status), and redirects are not followed"
        case .unusableKeySet(let flaw): "\(place) answered with no usable key set: \(flaw)"
        }
    }

    private static func meaning(of status: Int, _ pool: PoolName) -> String {
        switch status {
        case 400, 404: ": no such pool in \(pool.region)"
        case 401, 403, 407: ": it, or something on the way, refuses this machine"
        case 429: ": it is asked too often"
        case 500...: ": it has a fault of its own"
        default: ""
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
