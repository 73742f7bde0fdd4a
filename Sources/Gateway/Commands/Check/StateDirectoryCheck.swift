import Glibc

/// Whether the state directory can be used: it is there or can be made, is this user's, and closed to others.
enum StateDirectoryCheck {
    private static let subject = "state directory"

    /// What was found of the folder at `path`, which is neither made nor changed.
    static func findings(_ path: String) -> [Finding] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [missing(path, errno)] }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [.failure(subject, "\(path) is no folder", "name a folder by --state-dir")]
        }
        guard access(path, W_OK | X_OK | R_OK) == 0 else {
            return [
                .failure(
                    subject, "\(path) cannot be written: \(String(cString: strerror(errno)))",
                    "give it to the gateway's user: chown \(owner(geteuid())) \(path)")
            ]
        }
        var findings: [Finding] = []
        if status.st_uid != geteuid() {
            findings.append(
                .warning(
                    subject, "\(path) belongs to \(owner(status.st_uid)), and this is \(owner(geteuid()))",
                    "run the check as the gateway's user, or give the folder to it"))
        }
        if status.st_mode & 0o022 != 0 {
            findings.append(
                .failure(
                    subject, "others may write to \(path), which has mode \(mode(status))",
                    "chmod 0700 \(path)"))
        } else if status.st_mode & 0o055 != 0 {
            findings.append(
                .warning(
                    subject, "others may read \(path), which has mode \(mode(status))", "chmod 0700 \(path)"))
        }
        return findings.isEmpty ? [.good(subject, "\(path) can be written")] : findings
    }

    /// A folder that is not there is made by `serve`, where it may.
    private static func missing(_ path: String, _ error: Int32) -> Finding {
        guard error == ENOENT else {
            return .failure(subject, "\(path) cannot be reached: \(String(cString: strerror(error)))")
        }
        var parent = path
        repeat {
            let parts = parent.split(separator: "/", omittingEmptySubsequences: true).dropLast()
            parent = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
            if parent.isEmpty { parent = "." }
        } while !Paths.exists(parent)
        guard access(parent, W_OK | X_OK) == 0 else {
            return .failure(
                subject,
                "\(path) is not there, and cannot be made in \(parent): \(String(cString: strerror(errno)))",
                "make it as root, and give it to the gateway's user")
        }
        return .good(subject, "\(path) is not there yet, and can be made")
    }

    private static func mode(_ status: stat) -> String {
        "0" + String(status.st_mode & 0o7777, radix: 8)
    }

    private static func owner(_ user: uid_t) -> String {
        guard let entry = getpwuid(user), let name = entry.pointee.pw_name else { return "user \(user)" }
        return String(cString: name)
    }
}
