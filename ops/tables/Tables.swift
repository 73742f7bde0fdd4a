import Gatekeeper

/// Prints a table of the documents as the program's own types have it; ops/generate-documents writes it into the page.
@main struct Tables {
    static func main() {
        for name in CommandLine.arguments.dropFirst() {
            guard let table = Table(rawValue: name) else {
                print("there is no table '\(name)': one of \(Table.allCases.map(\.rawValue))")
                continue
            }
            for line in table.lines { print(line) }
        }
    }

    /// Each by the name that stands behind `generated:` in a page.
    private enum Table: String, CaseIterable {
        case refusals

        var lines: [String] {
            switch self {
            case .refusals: RefusalTable.lines
            }
        }
    }
}
