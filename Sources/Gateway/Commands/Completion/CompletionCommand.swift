import ArgumentParser

/// `poolgate completion`: a script by which a shell completes what is typed behind `poolgate`.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print the script by which bash, zsh or fish completes poolgate's arguments.",
        discussion: """
            For this session: source <(poolgate completion bash). For every one: write the script where the shell looks for \
            such, as /usr/share/bash-completion/completions/poolgate, a folder of zsh's fpath as _poolgate, or \
            ~/.config/fish/completions/poolgate.fish. The script asks the program itself, so it knows the commands and \
            settings of whichever version is there.
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    /// The shells that there are scripts for.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    func run() {
        switch shell {
        case .bash: Output.line(CompletionScripts.bash)
        case .zsh: Output.line(CompletionScripts.zsh)
        case .fish: Output.line(CompletionScripts.fish)
        }
    }
}
