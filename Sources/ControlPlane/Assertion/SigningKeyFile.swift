package import Gatekeeper
import Glibc
package import JOSE

/// A new file of the signing keys' folder. Writing blocks.
package enum SigningKeyFile {
    /// Writes `key` into `folder` as a file that was not there before, mode 0600, whose name tells when, so that it comes
    /// after those that were written earlier; gives the name. Written as root, it is given to the folder's owner, since
    /// whoever writes it for the gateway is seldom the gateway.
    package static func write(
        _ key: ES256Key, into folder: String, at now: Instant
    ) throws(SigningKeyFlaw) -> String {
        let text: [UInt8]
        do throws(ES256Key.Failure) { text = try key.pem() } catch { throw .key(error) }
        var status = stat()
        guard stat(folder, &status) == 0 else { throw .system(errno) }
        for millisecond in 0..<Limits.signingKeyNames {
            let time = Instant(nanoseconds: now.nanoseconds &+ Int64(millisecond) &* 1_000_000)
            let name = "\(time.timestamp.filter { $0 != ":" }).pem"
            let path = "\(folder)/\(name)"
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if file < 0, errno == EEXIST { continue }
            guard file >= 0 else { throw .system(errno) }
            defer { close(file) }
            let isOwned = geteuid() != 0 || fchown(file, status.st_uid, status.st_gid) == 0
            guard isOwned,
                text.withUnsafeBytes({ Glibc.write(file, $0.baseAddress, $0.count) }) == text.count,
                fsync(file) == 0
            else {
                let flaw = SigningKeyFlaw.system(errno)
                unlink(path)
                throw flaw
            }
            return name
        }
        throw .system(EEXIST)
    }
}
