import ArgumentParser

/// How a command prints its result: a table for a person at a terminal, JSON for whatever else reads it.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON. It is the form where standard output is no terminal.")
    var json = false

    @Flag(help: "Print a table. It is the form on a terminal.")
    var table = false

    func validate() throws {
        if json, table { throw ValidationError("--json and --table exclude each other: give one of them") }
    }

    /// Whether the result is to be JSON.
    var isJSON: Bool { json || !table && !Output.isRead }

    /// Prints a result: `value` as JSON, or the table.
    func show(_ value: @autoclosure () -> some Encodable, as table: @autoclosure () -> TextTable) {
        if isJSON { Output.json(value()) } else { Output.table(table()) }
    }
}
