import Glibc

/// By which names this run of the program is known to the database and the log.
enum InstanceName {
    /// The machine's name.
    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A new name that no other run of the program has: the machine, the process, and a random part.
    static func make() -> String {
        "\(hostName.prefix(64))-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))"
    }
}
