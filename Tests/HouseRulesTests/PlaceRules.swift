/// What may stand only in the files that exist for it.
extension HouseRule {
    static let sql = HouseRule(
        claim: "SQL stands only in the queries and the migrations",
        exceptions: [
            Exception(
                [
                    "ControlPlane/DirectoryQueries.swift", "ControlPlane/HealthQueries.swift",
                    "ControlPlane/WithdrawnKeyQueries.swift",
                    "ControlPlane/SchemaQueries.swift", "Gateway/Migrations.swift",
                    "Gateway/PageQueries.swift",
                    "Gateway/RevocationQueries.swift", "Gateway/RowQueries.swift",
                    "Gateway/RuleQueries.swift", "Gateway/TenantQueries.swift",
                    "Gateway/TransferQueries.swift",
                    "Gateway/CheckQueries.swift",
                ], because: "they are the queries and the migrations"),
            Exception(
                ["Postgres/PostgresConnection.swift"], "LISTEN", because: "the channel's name is quoted there"
            ),
            Exception(
                ["Postgres/PostgresTransactionMode.swift"],
                because: "it begins a transaction at the isolation that is asked for"),
            Exception(
                ["Postgres/Session.swift"], "PostgresStatement(\"",
                because: "it ends the transaction that it began"),
        ],
        violations: [
            #"let rows = try await query("select host from poolgate.tenants")"#,
            "let text = \"\"\"\n    SELECT host\n    FROM poolgate.tenants\n    \"\"\"",
            ##"let text = #"INSERT INTO poolgate.tenants ("host") VALUES ($1)"#"##,
            "let text =\n    \"Delete From poolgate.tenants\"",
            #"let text = "SEL" + "ECT 1""#,
            #"let text = "WITH gone AS (DELETE FROM poolgate.tenants RETURNING host) TABLE gone""#,
            #"let text = "update \(table) set seen = now()""#,
            #"run("LISTEN poolgate_changed")"#,
            #"run("create table if not exists t (a int)")"#,
            #"run("BEGIN ISOLATION LEVEL REPEATABLE READ")"#,
            #"let end = " WHERE host = $1 ORDER BY host""#,
        ],
        innocents: [
            #"let advice = "Select a tenant first.""#,
            #"let advice = "insert a row with psql, then look at its health""#,
            #"let advice = "update the gateway before the schema""#,
            "// SELECT host FROM poolgate.tenants\nlet text = \"with a token\"",
            #"let advice = "create a database of the gateway's own""#,
        ],
        findings: { file in
            file.literals().filter { SQLText.isStatement($0.text) }.map { file.finding(at: $0.token) }
        })

    static let logText = HouseRule(
        claim: "Log text stands only in the observer",
        exceptions: [
            Exception(
                ["Gateway/Observer.swift", "Gateway/Observer+Requests.swift"],
                because: "it is where an observation becomes a line")
        ],
        violations: [
            #"logger.info("started")"#, #"log.write(LogLine(.error, "failed", [:]))"#,
            "logger.warning(\n    \"late\")", #"logger.log(level: .error, "failed")"#,
        ],
        innocents: [
            "func write(_ line: LogLine) {}", #"challenge: .error("invalid_token")"#,
            #"let level = Level.info; show("started")"#,
            #"// logger.info("started")"#,
        ],
        findings: { file in
            let levels: Set = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
            return file.findings { token, index in
                guard token.kind == .word, file.token(index, 1)?.is("(") == true else { return false }
                if token.text == "LogLine" {
                    return (2...6).contains { file.token(index, $0)?.kind == .string }
                }
                guard file.token(index, -1)?.is(".") == true, file.token(index, -2)?.kind != .symbol else {
                    return false
                }
                return levels.contains(token.text) && file.token(index, 2)?.kind == .string
                    || token.text == "log" && file.token(index, 2)?.isWord("level") == true
            }
        })

    static let environment = HouseRule(
        claim: "The environment is read only by the configuration",
        exceptions: [
            Exception(
                ["Gateway/SettingsReader.swift"], because: "it reads the settings, from the environment too")
        ],
        violations: [
            #"let home = getenv("HOME")"#, "let all = ProcessInfo.processInfo.environment",
            "let provider = EnvironmentVariablesProvider()", "var at = environ",
        ],
        innocents: [
            "let environment = settings.environment", "// getenv is not asked",
            #"let advice = "set it with setenv or in the environment""#,
        ],
        findings: { file in
            let words: Set = [
                "getenv", "secure_getenv", "setenv", "unsetenv", "putenv", "environ",
                "EnvironmentVariablesProvider",
            ]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                return words.contains(token.text)
                    || token.text == "environment" && file.token(index, -2)?.isWord("processInfo") == true
            }
        })

    static let output = HouseRule(
        claim: "Nothing prints but the commands",
        exceptions: [
            Exception(["Gateway/Output.swift"], because: "it is what the commands print with"),
            Exception(["Gateway/ServeCommand.swift"], "STDERR_FILENO", because: "it says where the log goes"),
            Exception(
                ["Gateway/ProcessSetup.swift"], "STDERR_FILENO",
                because: "it opens what the process was started without"),
            Exception(
                ["Gateway/PostgresPrograms.swift"], "result.standardOutput",
                because: "that is what another program printed"),
            Exception(["StandInPool/LocalServer.swift"], because: "tests read from there which port it got"),
        ],
        violations: [
            #"print("here")"#, "debugPrint(value)", "dump(value)", #"fputs("x", stderr)"#,
            "FileHandle.standardError.write(data)", "write(STDOUT_FILENO, bytes, 1)",
        ],
        innocents: [
            "func print(_ page: Page) {}", "page.print(to: tray)", #"let text = "print(x)""#,
        ],
        findings: { file in
            let calls: Set = [
                "print", "debugPrint", "dump", "puts", "fputs", "printf", "fprintf", "NSLog", "perror",
                "syslog",
            ]
            let streams: Set = [
                "stderr", "stdout", "STDERR_FILENO", "STDOUT_FILENO", "standardError", "standardOutput",
            ]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                if streams.contains(token.text) { return true }
                guard calls.contains(token.text), file.token(index, 1)?.is("(") == true else { return false }
                let last = file.token(index, -1)
                return last?.is(".") != true && last?.isWord("func") != true
            }
        })

    static let clocks = HouseRule(
        claim: "Clocks are read only where time begins; everywhere else it is a parameter",
        exceptions: [
            Exception(["Platform/WallClock.swift"], because: "it is the wall clock"),
            Exception(["Platform/MonotonicClock.swift"], because: "it is the clock for measuring"),
            Exception(
                ["Gateway/MetricsCollector.swift", "Gateway/MetricsEndpoint.swift"],
                because: "a minute of the charts ends now, and a scrape is of now"),
            Exception(
                [
                    "ControlPlane/TenantDirectory.swift", "ControlPlane/HealthWriter.swift",
                    "ControlPlane/KeyWithdrawals.swift",
                    "ControlPlane/UserPool.swift", "ControlPlane/TransferLoop.swift",
                    "ControlPlane/TenantDirectory+Disk.swift", "ControlPlane/KeySaver.swift",
                    "ControlPlane/SigningKeyWatch.swift",
                ], because: "they wait for what happens, and tell their machines and schedules when it did"),
            Exception(
                [
                    "DataPlane/BlockingWork.swift", "DataPlane/CertificateStore.swift",
                    "DataPlane/UpstreamAuthorities.swift", "DataPlane/UpstreamConnector.swift",
                    "DataPlane/ProxyHeaderRefusals.swift",
                ], because: "they run off the loops, or before a loop knows the connection"),
            Exception(
                [
                    "Postgres/ConnectionMailbox.swift", "Postgres/ConnectionThread.swift",
                    "Postgres/Connector.swift",
                    "Postgres/Session.swift", "Postgres/SocketWait.swift",
                ], because: "a thread that waits for a socket measures its own deadline"),
            Exception(
                [
                    "Gateway/ControlPlaneRunner.swift", "Gateway/GatewayServer.swift",
                    "Gateway/GatewayState.swift",
                    "Gateway/EmbeddedPostgres.swift", "Gateway/SupervisorReporter.swift",
                ], because: "the composition says since when things hold, and waits for programs"),
            Exception(
                [
                    "Gateway/LogLine.swift", "Gateway/LogWriter.swift", "Gateway/Repetition.swift",
                    "Gateway/TraceExporter.swift",
                ],
                because: "a line of the log has its time from here unless a record brings one"),
            Exception(
                [
                    "Gateway/AdminResponder.swift", "Gateway/EventStream.swift",
                    "Gateway/CheckCommand.swift", "Gateway/DatabaseCheck.swift",
                    "Gateway/ExplainCommand.swift", "Gateway/KeyCheck.swift",
                    "Gateway/PageDatabase.swift",
                    "Gateway/RowListing.swift", "Gateway/KeysListCommand.swift",
                    "Gateway/KeysNewCommand.swift",
                ],
                because: "a person asks about now"),
            Exception(["Gateway/ProgressBar.swift"], because: "it is drawn anew at a pace"),
            Exception(["StandInPool/TokenMint.swift"], because: "a token is issued now"),
        ],
        violations: [
            "let now = ContinuousClock.now", "clock_gettime(CLOCK_REALTIME, &time)", "judge(at: .now)",
            "let end = NIODeadline.now() + .limit", "let now = Date()", "let seconds = time(nil)",
        ],
        innocents: [
            "let now = worker.now", "func judge(at now: ContinuousClock.Instant) {}", "// at .now",
            "let first = clock().now",
        ],
        findings: { file in
            let calls: Set = ["clock_gettime", "gettimeofday", "mach_absolute_time"]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                if calls.contains(token.text) { return true }
                let opens = file.token(index, 1)?.is("(") == true
                if token.text == "Date" {
                    return opens && file.token(index, 2)?.is(")") == true
                }
                if token.text == "time" {
                    return opens && file.token(index, 2)?.isWord("nil") == true
                }
                guard token.text == "now", let dot = file.token(index, -1), dot.is(".") else { return false }
                if dot.isSpaced { return true }
                guard let owner = file.token(index, -2) else { return true }
                if owner.kind == .word { return owner.text.first?.isUppercase == true }
                return owner.kind == .symbol && ["(", "[", "<"].contains(owner.text)
            }
        })

    static let threads = HouseRule(
        claim: "Threads and detached tasks begin only where it is said why",
        exceptions: [
            Exception(["Platform/DetachedThread.swift"], because: "it is the thread for work that blocks"),
            Exception(["DataPlane/ProxyServer.swift"], because: "it makes the event loops"),
            Exception(["Gateway/AdminServer.swift"], because: "the admin port has a loop of its own"),
            Exception(
                ["Gateway/CheckCommand.swift"], "MultiThreadedEventLoopGroup.singleton",
                because: "it tries ports and upstreams on the loops that NIO has anyway"),
            Exception(
                ["ControlPlane/HealthWriter.swift", "Gateway/EmbeddedPostgres.swift"], "Task.detached",
                because: "the last words must be said although the task that says them is cancelled"),
            Exception(["StandInPool/LocalServer.swift"], because: "it makes the event loops"),
        ],
        violations: [
            "pthread_create(&handle, nil, run, context)", "Task.detached { await run() }",
            "let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)", "let thread = Thread { run() }",
            "let pool = NIOThreadPool(numberOfThreads: 2)", "DispatchQueue.global().async { run() }",
        ],
        innocents: [
            "Task { await run() }", "let state = Task.detachedState", "struct Thread {}",
            "// pthread_create is not called here",
        ],
        findings: { file in
            let words: Set = [
                "pthread_create", "MultiThreadedEventLoopGroup", "NIOThreadPool", "DispatchQueue", "fork",
            ]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                if words.contains(token.text) { return true }
                if token.text == "detached" { return file.token(index, -2)?.isWord("Task") == true }
                guard token.text == "Thread", let next = file.token(index, 1) else { return false }
                let isDeclared = ["struct", "enum", "class", "actor", "extension"].contains {
                    file.token(index, -1)?.isWord($0) == true
                }
                return !isDeclared && (next.is("(") || next.is(".") || next.is("{"))
            }
        })

    static let purity = HouseRule(
        claim: "The pure targets start no task, read no clock and do no input or output",
        targets: ["JOSE", "Gatekeeper", "HTTPMessage", "HTTP1", "HTTP2", "ExternalAuthorization"],
        violations: [
            "Task { run() }", "let x = await y", "func read() async {}", "let now = ContinuousClock.now",
            "let file = fopen(path, mode)", "let data = FileManager.default.contents(atPath: path)",
            "let now: SuspendingClock.Instant", "socket(AF_INET, 0, 0)",
        ],
        innocents: ["let task = 1", "// await the key", "struct Instant {}"],
        findings: { file in
            let words: Set = [
                "Task", "await", "async", "actor", "ContinuousClock", "SuspendingClock", "clock_gettime",
                "DispatchQueue", "FileManager", "FileHandle", "URLSession", "pthread_create", "getenv",
            ]
            let calls: Set = ["fopen", "socket", "sleep", "usleep", "Date"]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                return words.contains(token.text)
                    || calls.contains(token.text) && file.token(index, 1)?.is("(") == true
            }
        })
}
