import ArgumentParser

extension SettingArguments {
    /// The settings of this run, and the folder of signing keys that they name. Where there are mistakes, or no folder is
    /// named, prints that and throws the exit status 64.
    func readWithSigningKeys() throws(ExitCode) -> (settings: Settings, folder: String) {
        let settings = try read()
        guard let folder = settings.signingKeys else {
            Output.complaint("no folder of signing keys is named: add --signing-keys FOLDER")
            throw .usage
        }
        return (settings, folder)
    }
}
