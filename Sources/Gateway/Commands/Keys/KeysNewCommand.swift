import ArgumentParser
import ControlPlane
import Gatekeeper
import JOSE

/// `poolgate keys new`: writes a key.
struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a new key that signs assertions.",
        usage: "poolgate keys new --signing-keys FOLDER [--json | --table] [SETTINGS]",
        discussion: """
            Writes one file, mode 0600, named by the time; none is ever overwritten. Prints its name, the key's kid and \
            when it begins to sign.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    /// What was written, as it is printed.
    private struct Written: Encodable {
        let file: String
        let kid: String
        let signsFrom: String

        enum CodingKeys: String, CodingKey {
            case file, kid
            case signsFrom = "signs_from"
        }
    }

    func run() throws {
        let (settings, folder) = try arguments.readWithSigningKeys()
        let now = Instant.now
        let (key, name): (ES256Key, String)
        do throws(SigningKeyFlaw) {
            do throws(ES256Key.Failure) { key = try ES256Key.generate() } catch { throw .key(error) }
            name = try SigningKeyFile.write(key, into: folder, at: now)
        } catch {
            Output.complaint("no key was written into \(folder): \(error)")
            throw ExitCode.failure
        }
        let ripeAt = now.advanced(bySeconds: settings.signingKeyDelay.components.seconds)
        guard !output.isJSON else {
            Output.json(
                Written(file: "\(folder)/\(name)", kid: key.keyID, signsFrom: ripeAt.timestampOfSecond))
            return
        }
        Output.line("wrote \(folder)/\(name), kid \(key.keyID)")
        Output.line(
            """
            Every gateway needs this file. One that watches the folder publishes the key now and signs by it from \
            \(PersonTime(ripeAt, now: now)) on, at once where it is the only one.
            Remove the key before it once 'poolgate keys list' says that this one signs, and a minute later.
            """)
    }
}
