import ArgumentParser
import ControlPlane
import Foundation
import Gatekeeper

/// `poolgate tail`: the refusals of a running gateway as they happen, from its admin port.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Show a running gateway's refusals as they happen.",
        usage: "poolgate tail [--tenant HOST] [--last N] [--json | --table] [SETTINGS]",
        discussion: """
            Asks the gateway at --admin-listen, with --admin-token where that is set, and asks again when the connection \
            ends. Ctrl-C ends it, which a shell tells as exit status 130.

            On a terminal each refusal is a line for people; elsewhere, and with --json, an object of JSON. Of each tenant \
            and code ten a second come one by one, and the others as a number.
            """)

    @Option(help: ArgumentHelp("Show this tenant's refusals alone, by the row's host.", valueName: "HOST"))
    var tenant: String?

    @Option(help: ArgumentHelp("Begin with so many of the latest refusals.", valueName: "N"))
    var last = 10

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func validate() throws {
        guard (0...Limits.refusalsKept).contains(last) else {
            throw ValidationError("--last takes a number from 0 to \(Limits.refusalsKept)")
        }
    }

    func run() async throws {
        let admin = AdminClient(try arguments.read())
        let tail = Tail(isJSON: output.isJSON)
        // The first time, a gateway that is not there is an error; later ones it is being restarted.
        var last = last
        var isFirst = true
        while true {
            let end = try await admin.listen(TailCommand.path(tenant, last), isFirst: isFirst) {
                tail.take($0)
            }
            if end == .full {
                Output.complaint("so many listen to this gateway already that it takes no more; trying again")
            } else {
                Output.complaint("the gateway has ended the stream; trying again")
            }
            (isFirst, last) = (false, 0)
            try await Task.sleep(for: Limits.tailPause)
        }
    }

    /// The target that is asked for.
    static func path(_ tenant: String?, _ last: Int) -> String {
        let filter = tenant.map { host in
            let safe = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-."))
            return "&tenant=\(host.addingPercentEncoding(withAllowedCharacters: safe) ?? "")"
        }
        return "/events?last=\(last)\(filter ?? "")"
    }
}

/// Prints what a stream of events brings.
///
/// A class, because the transfer's thread hands the bytes over; only that thread uses what is in it.
private final class Tail: Sendable {
    private let isJSON: Bool
    private let reader = EventReader()

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    func take(_ bytes: [UInt8]) {
        for event in reader.take(bytes) {
            switch event.name {
            case "refusal":
                guard let refusal = try? JSONDecoder().decode(RefusalEvent.self, from: Data(event.data))
                else {
                    continue
                }
                if isJSON { Output.jsonLine(refusal) } else { Output.line(TailLine(refusal).text) }
            case "dropped":
                Output.complaint("some refusals are left out, for they came faster than they were read")
            default: continue
            }
        }
    }
}
