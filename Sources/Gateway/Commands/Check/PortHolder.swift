import Foundation

/// Which process listens on a port of this machine, as proc(5) tells it.
enum PortHolder {
    /// The program's name and process id, such as `nginx (pid 812)`; nil where that cannot be seen, as by another user.
    static func name(of port: Int) -> String? {
        // Processes that end while they are looked at can cut a list of them short.
        for _ in 0..<Limits.looksForPortHolder {
            if let found = look(for: port) { return found }
        }
        return nil
    }

    private static func look(for port: Int) -> String? {
        let sockets = ["tcp", "tcp6"].flatMap { inodes(of: port, in: "/proc/net/\($0)") }
        guard !sockets.isEmpty else { return nil }
        let files = FileManager.default
        for process in (try? files.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(process) != nil {
            let folder = "/proc/\(process)/fd"
            for entry in (try? files.contentsOfDirectory(atPath: folder)) ?? [] {
                guard let target = try? files.destinationOfSymbolicLink(atPath: "\(folder)/\(entry)"),
                    sockets.contains(target)
                else { continue }
                let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "?\n"
                return "\(ShownText.line(String(name.dropLast()))) (pid \(process))"
            }
        }
        return nil
    }

    /// The sockets that listen on the port, as links in `/proc/PID/fd` name them. A line of the table is
    /// `sl local_address rem_address st … uid timeout inode …`, an address `HEX:PORT`, and 0A the state of listening.
    private static func inodes(of port: Int, in table: String) -> [String] {
        let text = (try? String(contentsOfFile: table, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let hex = fields[1].split(separator: ":").last,
                Int(hex, radix: 16) == port
            else { return nil }
            return "socket:[\(fields[9])]"
        }
    }
}
