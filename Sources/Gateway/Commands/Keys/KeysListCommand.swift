import ArgumentParser
import ControlPlane
import Gatekeeper

/// `poolgate keys list`: what the folder holds.
struct KeysListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys that sign assertions.",
        usage: "poolgate keys list --signing-keys FOLDER [--json | --table] [SETTINGS]",
        discussion: """
            Reads the folder as a gateway would that starts now. One that runs may have known a key for longer than its \
            file has been there. Exits with 1 where a file gives no key, or no key signs.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() throws {
        let (settings, folder) = try arguments.readWithSigningKeys()
        let report: SigningKeyReport
        do throws(SigningKeyFlaw) {
            report = try SigningKeyReport(
                folder: folder, delaySeconds: settings.signingKeyDelay.components.seconds, at: .now)
        } catch {
            Output.complaint("\(folder) cannot be read: \(error)")
            throw ExitCode.failure
        }
        output.show(report.keys, as: report.table)
        guard report.isGood else { throw ExitCode.failure }
    }
}
