import DataPlane
import Gatekeeper
import HTTPTypes
import Hummingbird
import NIOCore

/// What `/metrics` is written from: the parts of the program that are asked for each scrape.
struct MetricsEndpoint: Sendable {
    let collector: MetricsCollector
    let control: ControlCounters
    let feed: SnapshotFeed
    let state: GatewayState
    let log: LogWriter
    /// The certificates that clients may be shown, and when each expires, in seconds since 1970.
    let certificateEnds: @Sendable () -> [(name: String, seconds: Int64)]

    /// The metrics now, in the form that `accept` asks for.
    func response(accept: String?) async -> Response {
        let format = MetricsFormat(accept: accept)
        let text = MetricsPage.write(await facts(), as: format)
        return Response(
            status: .ok, headers: [.contentType: format.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func facts() async -> MetricsFacts {
        // Read before the loops are asked: one that takes a newer snapshot meanwhile is not outdated.
        let epoch = feed.latest.epoch
        let loops = await collector.reading()
        let reported = state.reported
        return MetricsFacts(
            loops: loops, snapshotEpoch: epoch, control: control.reading, pools: state.poolStatuses,
            directory: reported.directory, certificateEnds: certificateEnds(),
            isReady: state.readiness.isReady, isStopping: reported.isStopping,
            droppedLines: log.droppedLines, process: .read(), version: state.version,
            startedAt: state.startedAt, now: .now)
    }
}
