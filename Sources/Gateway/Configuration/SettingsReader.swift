import Configuration
import DataPlane
import Foundation
import Gatekeeper

/// Reads the settings from flags, environment variables and the file, of which an earlier one beats a later one, and
/// collects every mistake.
struct SettingsReader {
    /// The mistakes in the settings, at least one.
    struct Mistakes: Error, Equatable {
        /// One sentence for each, without its full stop.
        let sentences: [String]
    }

    private var settings = Settings()
    private var mistakes: [String] = []
    private var given: [GivenSetting] = []
    /// Whether anything named a database, by a URL that can be used or not.
    private var isDatabaseNamed = false

    /// The settings of a command; throws all mistakes at once. `arguments` are those after the command's name.
    /// `needsDatabase` is true for a command that cannot do without a database.
    static func read(
        arguments: [String], environment: [String: String], needsDatabase: Bool = false
    ) throws(Mistakes) -> Settings {
        let read = readAll(arguments: arguments, environment: environment, needsDatabase: needsDatabase)
        guard read.mistakes.isEmpty else { throw Mistakes(sentences: read.mistakes) }
        return read.settings
    }

    /// The same with the origin of each value, for whoever wants to see settings that have mistakes, too.
    static func readAll(
        arguments: [String], environment: [String: String], needsDatabase: Bool = false
    ) -> ReadSettings {
        var reader = SettingsReader()
        reader.read(Flags(arguments), environment)
        reader.compare()
        if needsDatabase, !reader.isDatabaseNamed, !reader.settings.isEmbedded {
            reader.mistakes.append(
                "no database: set POOLGATE_DATABASE_URL (or DATABASE_URL) to a Postgres URL, "
                    + "or pass --embedded for a private Postgres under the state directory")
        }
        return ReadSettings(settings: reader.settings, given: reader.given, mistakes: reader.mistakes)
    }

    /// The environment variables of this process.
    static var processEnvironment: [String: String] { ProcessInfo.processInfo.environment }

    /// The folders in which programs are looked for, as PATH lists them.
    static var searchPath: String { processEnvironment["PATH"] ?? "" }

    private mutating func read(_ flags: Flags, _ environment: [String: String]) {
        mistakes += flags.mistakes
        mistakes += VariableNames.mistakes(in: environment)
        let variables = EnvironmentVariablesProvider(environmentVariables: environment).snapshot()
        var file: ConfigurationFile?
        if let path = flags.value(of: .file) ?? SettingsReader.variable(.file, variables) {
            let source = flags.value(of: .file).map { _ in SettingSource.flag(Setting.file.flag) }
            given.append(
                GivenSetting(setting: .file, text: path, source: source ?? .variable(Setting.file.variable)))
            do throws(ConfigurationFile.Flaw) {
                file = try ConfigurationFile(path: path)
            } catch {
                mistakes.append("the configuration file \(Printable.value(path)) \(error)")
            }
        }
        if let file { mistakes += SettingsReader.unknownKeys(of: file) }
        for setting in Setting.all {
            if let text = flags.value(of: setting) {
                apply(setting, text, from: .flag(setting.flag))
            } else if let text = SettingsReader.variable(setting, variables) {
                apply(setting, text, from: .variable(setting.variable))
            } else if let file, let text = file.text(at: setting.name), !text.isEmpty {
                let line = file.line(of: setting.name)
                apply(setting, text, from: .file(path: file.path, line: line))
            }
        }
        // Many platforms set DATABASE_URL. It counts where nothing else names a database.
        if !isDatabaseNamed, !settings.isEmbedded, let url = environment["DATABASE_URL"],
            !url.isEmpty,
            let setting = Setting.named("database-url")
        {
            apply(setting, url, from: .variable("DATABASE_URL"))
        }
    }

    /// Sets one setting; notes a mistake where its text is none that the setting can have.
    private mutating func apply(_ setting: Setting, _ text: String, from source: SettingSource) {
        if setting.name == "database-url" { isDatabaseNamed = true }
        let flaw = setting.apply(text, &settings)
        given.append(GivenSetting(setting: setting, text: text, source: source, isFlawed: flaw != nil))
        guard let flaw else { return }
        let place = source.phrase(of: setting)
        mistakes.append(
            setting.isSecret ? "\(place) \(flaw)" : "\(place) \(Printable.value(text)) \(flaw)")
    }

    /// Finds the mistakes that show only when settings are compared.
    private mutating func compare() {
        if settings.isEmbedded, settings.databaseURL != nil {
            mistakes.append("--embedded and --database-url exclude each other: give one of them")
        }
        if settings.listen == settings.adminListen, settings.listen.port != 0 {
            mistakes.append(
                "--listen and --admin-listen are both \(settings.listen): give each a port of its own")
        }
        if (settings.tlsListen == nil) != (settings.tlsCertificates == nil) {
            mistakes.append("--tls-listen and --tls-certificates need each other: give both or neither")
        }
        compareListeners()
        if !settings.adminListen.isLoopback, settings.adminToken == nil {
            mistakes.append(
                "--admin-listen \(settings.adminListen) can be reached from other machines: "
                    + "set POOLGATE_ADMIN_TOKEN, or listen on 127.0.0.1")
        }
        if !settings.adminListen.isLoopback, let token = settings.adminToken,
            token.bytes.count < Limits.shortestSecret
        {
            mistakes.append(
                "--admin-listen \(settings.adminListen) can be reached from other machines, and the admin token is short "
                    + "enough to be guessed: give it \(Limits.shortestSecret) characters or more, such as by "
                    + "'openssl rand -hex 32'")
        }
        if let template = settings.jwksTemplate, template.isPlainHTTP, !LoopbackName.matches(template.host),
            !settings.allowsInsecureJWKS
        {
            mistakes.append(
                "--jwks-url-template fetches keys over plain http from another machine: "
                    + "use https, or set POOLGATE_ALLOW_INSECURE_JWKS=true")
        }
    }

    private mutating func compareListeners() {
        let listeners = settings.listeners
        for (index, listener) in listeners.enumerated().dropFirst() where listener.address.port != 0 {
            let others = listeners[..<index].map(\.address) + [settings.adminListen]
            guard others.contains(listener.address) else { continue }
            mistakes.append(
                "\(listener.flag) is \(listener.address), as another listener is: give it a port of its own")
        }
        if let open = listeners.first(where: { $0.name.surface != .proxy && !$0.address.isLoopback }),
            let secret = settings.callerSecret, secret.bytes.count < Limits.shortestSecret
        {
            mistakes.append(
                "\(open.flag) \(open.address) can be reached from other machines, and the caller secret is short "
                    + "enough to be guessed: give it \(Limits.shortestSecret) characters or more")
        }
        if let asked = listeners.first(where: { $0.name.surface != .proxy }), settings.trustedCallers.isEmpty,
            settings.callerSecret == nil
        {
            mistakes.append(
                "\(asked.flag) would answer everybody who is calling: set POOLGATE_TRUSTED_CALLERS to the "
                    + "networks of the proxies that ask, or POOLGATE_CALLER_SECRET")
        }
    }

    private static func variable(_ setting: Setting, _ variables: any ConfigSnapshot) -> String? {
        let key = AbsoluteConfigKey(["poolgate", setting.name])
        guard case .string(let text) = try? variables.value(forKey: key, type: .string).value?.content,
            !text.isEmpty
        else { return nil }
        return text
    }

    private static func unknownKeys(of file: ConfigurationFile) -> [String] {
        file.keys.filter { Setting.named($0) == nil }.sorted().map { key in
            if let setting = Setting.all.first(where: { $0.isSecret && key.hasPrefix($0.name) }) {
                return "'\(setting.name)' in \(file.path) must be one text: write \(setting.name): "
                    + "'\(setting.placeholder ?? "")', in quotes"
            }
            guard file.standsAtLineStart(key) else {
                return
                    "\(file.path) holds a key that is no setting; it is not shown, since it may be a part of a "
                    + "secret: put texts with signs of YAML's in quotes"
            }
            let advice = Resemblance.nearest(to: key, among: Setting.all.map(\.name)).map {
                "; did you mean '\($0)'?"
            }
            return "'\(key)' in \(file.path) is no setting\(advice ?? "")"
        }
    }
}
