import Glibc

/// What the embedded Postgres needs of files and folders.
enum Paths {
    /// The path with every symbolic link resolved; nil where that fails, and `errno` says why.
    static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Whether there is anything at the path, a symbolic link included.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Makes a folder, and the missing ones above it. A folder that exists keeps its mode and owner.
    static func makeFolder(
        _ path: String, mode: mode_t = 0o700, owner: RunUser? = nil
    ) throws(EmbeddedPostgresFailure) {
        var parents = path.split(separator: "/").dropLast()
        var missing: [String] = []
        while !parents.isEmpty {
            let parent = (path.hasPrefix("/") ? "/" : "") + parents.joined(separator: "/")
            if exists(parent) { break }
            missing.append(parent)
            parents.removeLast()
        }
        for parent in missing.reversed() { mkdir(parent, 0o755) }
        guard mkdir(path, mode) == 0 else {
            guard errno == EEXIST, isFolder(path) else { throw .system(path, errno) }
            return
        }
        // mkdir(2) leaves out what the process's umask forbids.
        guard chmod(path, mode) == 0 else { throw .system(path, errno) }
        if let owner, chown(path, owner.userID, owner.groupID) != 0 { throw .system(path, errno) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether the user may enter the folder, and every folder above it.
    static func isOpen(_ path: String, to user: RunUser) -> Bool {
        var folders = [""]
        for part in path.split(separator: "/") { folders.append("\(folders[folders.count - 1])/\(part)") }
        return folders.allSatisfy { folder in
            var status = stat()
            guard stat(folder.isEmpty ? "/" : folder, &status) == 0 else { return false }
            if status.st_uid == user.userID { return status.st_mode & S_IXUSR != 0 }
            if status.st_gid == user.groupID { return status.st_mode & S_IXGRP != 0 }
            return status.st_mode & S_IXOTH != 0
        }
    }

    /// 16 hexadecimal digits made from the path (FNV-1a, 64 bits), by which folders of different paths have different names.
    static func digest(_ path: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// The file's text; nil where the file is missing, cannot be read, or is longer than `limit` bytes.
    static func text(of path: String, atMost limit: Int) -> String? {
        guard let bytes = bytes(of: path, from: 0, atMost: limit + 1), bytes.count <= limit else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The last `count` bytes of the file's text; nil where it cannot be read.
    static func tail(of path: String, bytes count: Int) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return bytes(of: path, from: max(0, Int(status.st_size) - count), atMost: count)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bytes(of path: String, from offset: Int, atMost limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = pread(descriptor, &bytes, limit, offset)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }

    /// Replaces the file by one with this text, mode 0600. Where that fails, there is no file.
    static func write(_ text: String, to path: String) {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Removes a folder with everything in it. Symbolic links are removed, not followed; what cannot be removed stays.
    static func removeTree(_ path: String) {
        for name in entries(of: path) {
            let entry = "\(path)/\(name)"
            var status = stat()
            if lstat(entry, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                removeTree(entry)
            } else {
                unlink(entry)
            }
        }
        rmdir(path)
    }

    /// The names in a folder, sorted; none where the folder cannot be read.
    static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether a path has only letters, digits, `/`, `.`, `_` and `-`, which neither a shell nor Postgres misreads.
    static func isPlain(_ path: String) -> Bool {
        !path.isEmpty
            && path.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
                    UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
