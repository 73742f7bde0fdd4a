import ControlPlane

/// Tells the supervisor how the gateway is, from its start to its end.
struct SupervisorReporter: Sendable {
    private let supervisor: Supervisor
    private let state: GatewayState
    /// Returns once every part that must work has answered.
    private let proof: @Sendable () async -> Void

    init(supervisor: Supervisor, state: GatewayState, proof: @escaping @Sendable () async -> Void) {
        self.supervisor = supervisor
        self.state = state
        self.proof = proof
    }

    /// Reports until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await reportState() }
            if let watchdog = supervisor.watchdog { group.addTask { await reportLife(every: watchdog / 2) } }
        }
    }

    /// Reports that the gateway begins to stop. `time` bounds how long that takes.
    func reportStop(within time: Duration) async {
        await supervisor.send(SupervisorReport.stopping(within: time))
    }

    private func reportState() async {
        var report = SupervisorReport()
        while !Task.isCancelled {
            let (readiness, directory) = state.readinessAndDirectory
            // The supervisor is told of the end by `reportStop`.
            if !state.isStopping, let text = report.next(readiness, directory, at: .now) {
                await supervisor.send(text)
            }
            try? await Task.sleep(for: readiness.isReady ? Limits.reportPause : Limits.readinessPause)
        }
    }

    /// Reports life as often as the supervisor asks for, each time with a new proof: a process that only runs proves nothing.
    /// While a proof does not come nothing is reported, and no second one is asked for.
    private func reportLife(every pause: Duration) async {
        while !Task.isCancelled {
            await proof()
            guard !Task.isCancelled else { return }
            await supervisor.send(SupervisorReport.alive)
            try? await Task.sleep(for: pause)
        }
    }
}
