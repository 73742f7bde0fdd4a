import Foundation
import Platform

/// Which process listens on a port of this machine, as the kernel and proc(5) tell it.
enum PortHolder {
    /// The program's name and process id, such as `nginx (pid 812)`; nil where that cannot be seen, as by another user.
    static func name(of port: Int) -> String? {
        guard let number = UInt16(exactly: port) else { return nil }
        // As links in `/proc/PID/fd` name sockets.
        let sockets = Set(ListeningSockets.inodes(on: number).map { "socket:[\($0)]" })
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
}
