import ControlPlane
import Testing

@testable import Gateway

@Suite struct SupervisorTests {
    private func supervisor(_ environment: [String: String]) -> Supervisor? {
        Supervisor(environment: environment, processID: 7)
    }

    @Test("A supervisor is there where the environment names its socket")
    func socket() {
        #expect(supervisor([:]) == nil)
        #expect(supervisor(["NOTIFY_SOCKET": ""]) == nil)
        #expect(supervisor(["NOTIFY_SOCKET": "relative/path"]) == nil)
        #expect(supervisor(["NOTIFY_SOCKET": "/run/notify"])?.socketPath == "/run/notify")
        #expect(supervisor(["NOTIFY_SOCKET": "@abstract"])?.socketPath == "@abstract")
    }

    @Test("The watchdog counts where it is for this process and its time is a number")
    func watchdog() {
        func time(_ microseconds: String, for process: String? = nil) -> Duration? {
            var environment = ["NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": microseconds]
            environment["WATCHDOG_PID"] = process
            return supervisor(environment)?.watchdog
        }
        #expect(time("30000000") == .seconds(30))
        #expect(time("30000000", for: "7") == .seconds(30))
        #expect(time("30000000", for: "8") == nil)
        for text in ["0", "-1", "abc", "", "99999999999999999999"] { #expect(time(text) == nil) }
    }
}

@Suite struct SupervisorReportTests {
    private let now = ContinuousClock.now

    @Test("Ready is told once, and a status when it changes")
    func ready() {
        var report = SupervisorReport()
        #expect(
            report.next(.unready("no tenant directory is loaded yet"), DirectoryStatus(), at: now)
                == "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=Not ready: no tenant directory is loaded yet.")
        #expect(
            report.next(.unready("no tenant directory is loaded yet"), DirectoryStatus(), at: now) == nil)
        #expect(
            report.next(.ready, DirectoryStatus(), at: now)
                == "READY=1\nSTATUS=Serving 0 tenants of 0 pools.")
        #expect(report.next(.ready, DirectoryStatus(), at: now) == nil)
        #expect(
            report.next(.unready("the database has no schema"), DirectoryStatus(), at: now + .seconds(60))
                == "STATUS=Not ready: the database has no schema.")
        #expect(
            report.next(.ready, DirectoryStatus(), at: now + .seconds(61))
                == "STATUS=Serving 0 tenants of 0 pools.")
    }

    @Test("While it is not ready, the time for the start is extended every ten seconds")
    func startExtension() {
        var report = SupervisorReport()
        let told = (0...30).map { second in
            report.next(.unready("it waits"), DirectoryStatus(), at: now + .seconds(second)) != nil
        }
        #expect(told.enumerated().filter(\.element).map(\.offset) == [0, 10, 20, 30])
    }

    @Test("No text can add a line to a report, and none is longer than its bound")
    func oneLine() {
        var report = SupervisorReport()
        let reason = "a\nREADY=1" + String(repeating: "x", count: 1_000)
        let text = report.next(.unready(reason), DirectoryStatus(), at: now)
        let lines = (text ?? "").split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.last?.hasPrefix("STATUS=Not ready: a READY=1xx") == true)
        #expect(lines.last?.count == "STATUS=".count + 500)
    }

    @Test("A stop tells how long it may take")
    func stop() {
        #expect(
            SupervisorReport.stopping(within: .seconds(40)) == """
                STOPPING=1
                STATUS=Stopping: requests under way may finish.
                EXTEND_TIMEOUT_USEC=50000000
                """)
    }
}
