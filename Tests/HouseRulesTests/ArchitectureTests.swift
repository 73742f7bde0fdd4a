import Testing

/// What DESIGN holds of the modules, read off the sources.
@Suite struct ArchitectureTests {
    let tree: SourceTree

    init() throws {
        tree = try SourceTree("Sources")
    }

    /// What each target may import; the system's C library and Swift's own modules stand at the end.
    static let allowedImports: [String: Set<String>] = [
        "JOSE": ["COpenSSL", "Synchronization"],
        "Gatekeeper": ["JOSE", "HashTreeCollections", "Synchronization"],
        "HTTP1": ["COpenSSL"],
        "Platform": ["CLinux", "Glibc", "Musl", "Synchronization"],
        "Postgres": ["CLibPQ", "Platform", "Glibc", "Musl", "Synchronization"],
        "ControlPlane": [
            "Gatekeeper", "JOSE", "Platform", "Postgres", "CLibCurl", "Glibc", "Musl", "Synchronization",
            "HashTreeCollections",
        ],
        "DataPlane": [
            "CLinux", "Gatekeeper", "HTTP1", "Platform", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "Glibc",
            "Musl",
            "Synchronization",
        ],
        "StandInPool": [
            "JOSE", "ArgumentParser", "NIOCore", "NIOHTTP1", "NIOPosix", "Glibc", "Musl", "Synchronization",
            "Foundation", "FoundationEssentials",
        ],
    ]

    @Test("Each target imports only what the design allows it", arguments: allowedImports.keys.sorted())
    func imports(target: String) throws {
        let allowed = try #require(Self.allowedImports[target])
        let pattern =
            /^\s*(?:@\w+\s+)?(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+(?:struct\s+|class\s+|enum\s+|func\s+)?(\w+)/
        let files = tree.files.filter { $0.target == target }
        #expect(!files.isEmpty, "no file of \(target) was found")
        for file in files {
            for line in file.code {
                guard let match = line.text.firstMatch(of: pattern) else { continue }
                #expect(allowed.contains(String(match.1)), "\(file.path):\(line.number) imports \(match.1)")
            }
        }
    }

    @Test("Control plane and data plane never name each other")
    func planes() {
        let wrong = tree.files.filter { $0.target == "ControlPlane" }
            .flatMap { file in
                file.code.filter { $0.text.contains(/import DataPlane/) }.map { _ in file.path }
            }
        #expect(wrong.isEmpty)
    }

    @Test("The pure targets start no task, read no clock and do no input or output")
    func purity() {
        let pure: Set = ["JOSE", "Gatekeeper", "HTTP1"]
        let found = tree.lines(
            matching:
                /\b(Task\s*[\{\.\(]|await\b|ContinuousClock|clock_gettime|DispatchQueue|FileManager|fopen|socket\()/,
            allowedIn: { !pure.contains($0.target) })
        #expect(found == [])
    }

    @Test("Unchecked sendability stands only in the C wrappers")
    func uncheckedSendability() {
        let allowed: Set = ["JOSE", "Postgres", "ControlPlane"]
        let found = tree.lines(
            matching: /@unchecked Sendable|nonisolated\(unsafe\)/, allowedIn: { allowed.contains($0.target) })
        #expect(found == [])
    }

    @Test("Every unchecked sendability has its invariant written above it")
    func invariants() {
        for file in tree.files {
            for (index, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") {
                let above = file.lines[max(0, index - 12)..<index].joined(separator: "\n")
                #expect(above.contains("///") || above.contains("//"), "\(file.path):\(index + 1)")
            }
        }
    }

    @Test("Nothing from outside can reach a trap")
    func traps() {
        let found = tree.lines(
            matching: /\b(fatalError|preconditionFailure|precondition|try!|as!)\b|\btry!|\bas!/)
        #expect(found == [])
    }

    @Test("SQL stands only in the queries and the migrations")
    func sql() {
        let homes: Set = [
            "Sources/ControlPlane/Directory/DirectoryQueries.swift",
            "Sources/ControlPlane/Health/HealthQueries.swift",
            "Sources/ControlPlane/Directory/MigrationQueries.swift", "Sources/Gateway/Migrations.swift",
        ]
        let found = tree.lines(
            matching: /"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|LISTEN|NOTIFY|BEGIN|CREATE|ALTER)\s/,
            allowedIn: { homes.contains($0.path) || $0.target == "Postgres" })
        #expect(found == [])
    }

    @Test("The environment is read only by the configuration")
    func environment() {
        let found = tree.lines(
            matching: /\bgetenv\(|ProcessInfo\.processInfo\.environment|EnvironmentVariablesProvider/,
            allowedIn: { $0.path.hasPrefix("Sources/Gateway/Configuration/") || $0.target == "StandInPool" })
        #expect(found == [])
    }

    @Test("Nothing is public, and nothing prints but the commands")
    func access() {
        #expect(tree.lines(matching: /^\s*public\s/) == [])
        let found = tree.lines(
            matching: /\bprint\(/,
            allowedIn: { $0.path.hasPrefix("Sources/Gateway/Commands/") || $0.target == "StandInPool" })
        #expect(found == [])
    }

    @Test("Every package declaration says what it is")
    func documentation() {
        var missing: [String] = []
        for file in tree.files where file.target != "StandInPool" {
            for (index, line) in file.lines.enumerated() {
                guard line.contains(/^\s*package\s+(final\s+)?(struct|class|enum|actor|protocol|typealias)\s/)
                else { continue }
                var above = index - 1
                while above >= 0, file.lines[above].contains(/^\s*@/) { above -= 1 }
                if above < 0 || !file.lines[above].contains("///") {
                    missing.append("\(file.path):\(index + 1)")
                }
            }
        }
        #expect(missing == [])
    }

    @Test("No file answers more than one question: none is longer than 400 lines")
    func length() {
        let long = tree.files.filter { $0.lines.count > 401 && !$0.path.hasSuffix("Migrations.swift") }
        #expect(long.map(\.path) == [])
    }
}
