import ArgumentParser
import DataPlane
import Glibc

/// `poolgate serve`: runs the gateway until a signal stops it.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.", usage: "poolgate serve [SETTINGS]",
        discussion: SettingsHelp.text)

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let settings = try arguments.readWithDatabase()
        let descriptors = ProcessSetup.raiseDescriptors()
        let records = RecordRing(capacity: DataPlane.Limits.recordRing)
        let format = settings.logFormat ?? (isatty(STDERR_FILENO) == 1 ? .text : .json)
        let events = EventHub()
        let log = LogWriter(
            descriptor: STDERR_FILENO, format: format, level: settings.logLevel, records: records,
            events: events)
        log.start()
        defer { log.end() }
        let server = GatewayServer(
            settings: settings, log: log, records: records, events: events, descriptors: descriptors,
            supervisor: Supervisor(environment: SettingsReader.processEnvironment, processID: getpid()),
            announce: { Output.line($0) })
        do throws(GatewayFailure) {
            try await server.run()
        } catch {
            log.write(Observer.failed(error.description))
            throw ExitCode.failure
        }
    }
}
