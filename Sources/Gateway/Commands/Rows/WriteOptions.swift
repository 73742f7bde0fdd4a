import ArgumentParser
import Glibc

/// How a command writes rows; the same for every command that does.
struct WriteOptions: ParsableArguments {
    @Flag(help: "Do everything in one transaction, take it back, and show what would change.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Who the history says is behind it; the user of the operating system unless given.",
            valueName: "NAME"))
    var actor: String?

    @Option(
        defaultAsFlag: WaitTime.usual, parsing: .next,
        help: ArgumentHelp(
            "Wait until every gateway serves what was written, for 10 s unless given: --wait, --wait 30s.",
            valueName: "TIME"))
    var wait: WaitTime?

    /// Who the history says is behind it.
    var actorName: String { actor ?? WriteOptions.systemUser }

    /// The name of the user whom this process runs as; its number where the system knows no name.
    static var systemUser: String {
        guard let user = getpwuid(getuid()) else { return "uid \(getuid())" }
        return String(cString: user.pointee.pw_name)
    }
}

/// How long a command waits for the gateways.
struct WaitTime: ExpressibleByArgument, CustomStringConvertible {
    /// Milliseconds, which the database bounds by ten minutes.
    let milliseconds: Int64

    /// The time where none is given.
    static let usual = WaitTime(milliseconds: Limits.usualWaitMilliseconds)

    /// A time as settings have it: `500ms`, `30s`, `5m`.
    init?(argument: String) {
        guard let time = Quantity.duration(argument), time <= Limits.longestWait else { return nil }
        self.milliseconds = Int64(time.milliseconds)
    }

    private init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// As it is written: `10s`.
    var description: String {
        milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }
}
