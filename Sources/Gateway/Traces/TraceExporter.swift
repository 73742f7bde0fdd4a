import ControlPlane
import DataPlane
import Gatekeeper

/// Sends the spans of requests to a collector, in batches, from a task of its own: no request waits for it.
actor TraceExporter {
    private let endpoint: TracesEndpoint
    private let headers: [(name: String, value: String)]
    private let records: RecordRing
    private let identity: (version: String, instance: String)
    private let caller: HTTPCaller
    private let log: LogWriter
    private var queue = ExportQueue()
    private var repetition = Repetition()
    /// Whether the last export failed.
    private var isFailing = false

    /// An exporter of what the loops leave in `records`; the version and instance of the program stand in each export.
    init(
        endpoint: TracesEndpoint, headers: TracesHeaders?, egress: EgressSettings, records: RecordRing,
        version: String, instance: String, log: LogWriter
    ) {
        self.endpoint = endpoint
        self.headers =
            [(name: "Content-Type", value: "application/json")]
            + (headers?.fields ?? []).map {
                (name: $0.name, value: String(decoding: $0.value.bytes, as: UTF8.self))
            }
        self.records = records
        self.identity = (version, instance)
        self.log = log
        caller = HTTPCaller(egress: egress)
    }

    /// Exports until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let pause = await exportAll()
            try? await Task.sleep(for: pause)
        }
    }

    /// Exports what is left, once, and ends.
    func end() async {
        takeRecords()
        if !isFailing, !queue.batch.isEmpty { _ = await export() }
        caller.stop()
    }

    /// Exports batch after batch while there are any and they are taken; returns how long to wait then.
    private func exportAll() async -> Duration {
        takeRecords()
        while !queue.batch.isEmpty, !Task.isCancelled {
            let failures = await export()
            if failures > 0 {
                return Limits.exportPause * (1 << min(failures, Limits.exportDoublings))
                    * Double.random(in: 0.75...1.25)
            }
            takeRecords()
        }
        return Limits.exportPause
    }

    private func takeRecords() {
        let (records, dropped) = records.drain()
        queue.take(records, dropped: dropped)
        guard queue.dropped > 0, repetition.admit("dropped", "", at: .now) != nil else { return }
        log.write(Observer.tracesDropped(queue.countDropped()))
    }

    /// Exports a batch; how many exports failed in a row.
    private func export() async -> Int {
        let body = TraceDocument.bytes(
            queue.batch, version: identity.version, instance: identity.instance)
        let result = await caller.response(
            to: HTTPCall(url: endpoint.url, headers: headers, postBody: body, time: Limits.exportTime))
        let status: Int?
        let reason: String
        switch result {
        case .success(let response): (status, reason) = (response.status, "status \(response.status)")
        case .failure(.cancelled): return 1
        case .failure(let failure): (status, reason) = (nil, failure.description)
        }
        let outcome = ExportQueue.outcome(status: status)
        if outcome == .taken {
            if isFailing { log.write(Observer.tracesExported()) }
            repetition.end("export")
        } else if let leftOut = repetition.admit("export", reason, at: .now) {
            log.write(Observer.tracesUnexported(reason, willRetry: outcome == .failed, repeated: leftOut))
        }
        isFailing = outcome != .taken
        return queue.ended(outcome)
    }
}
