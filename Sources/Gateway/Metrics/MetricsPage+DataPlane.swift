import DataPlane
import Gatekeeper

/// Upstreams, connections and loops.
extension MetricsPage {
    mutating func writeUpstreams() {
        let counters = facts.loops.counters
        let shown = facts.loops.upstreams.prefix(Limits.namedUpstreams)
        let rest = facts.loops.figures.upstreams.without(shown)
        let all = shown.map { ($0.upstream, $0) } + [("other", rest)]
        text.begin(
            "poolgate_upstream_connections", .gauge,
            "Connections to the busiest upstreams, and to all others, by what they do.")
        for (name, figures) in all {
            text.add(figures.open - figures.idle, ["upstream": name, "state": "busy"])
            text.add(figures.idle, ["upstream": name, "state": "idle"])
            text.add(figures.connecting, ["upstream": name, "state": "connecting"])
        }
        text.begin(
            "poolgate_upstream_waiting", .gauge, "Requests in line for a connection to be free.")
        for (name, figures) in all { text.add(figures.waiting, ["upstream": name]) }
        text.begin(
            "poolgate_upstream_ejected", .gauge,
            "Loops that leave the upstream out for everybody at the moment, since it failed.")
        for (name, figures) in all { text.add(figures.ejections, ["upstream": name]) }
        text.begin("poolgate_upstreams", .gauge, "Upstreams with connections, added up over the loops.")
        text.add(facts.loops.figures.upstreamPools)
        text.begin(
            "poolgate_upstream_ejections", .counter,
            "How often a loop left an upstream out: for everybody, or for one tenant.")
        text.add(counters.ejections, ["scope": "everybody"])
        text.add(counters.tenantEjections, ["scope": "tenant"])
        text.begin(
            "poolgate_upstream_connects", .counter, "Connections to upstreams: ok, or why they failed.")
        text.add(counters.madeConnections, ["result": "ok"])
        for fault in UpstreamFault.allCases {
            guard let count = counters.failedConnections[fault] else { continue }
            text.add(count, ["result": fault.rawValue])
        }
        text.begin(
            "poolgate_upstream_retries", .counter,
            "Requests sent again, since the kept connection had ended under them.")
        text.add(counters.retries)
        text.begin(
            "poolgate_upstream_connection_wait_seconds", .histogram,
            "How long requests waited for a connection, of those that had to.")
        text.add(counters.connectionWaits)
    }

    mutating func writeConnections() {
        let counters = facts.loops.counters
        text.begin("poolgate_client_connections", .gauge, "Clients' connections that are open.")
        text.add(facts.loops.figures.clientConnections)
        text.begin("poolgate_client_connections_accepted", .counter, "Clients' connections so far.")
        text.add(counters.acceptedConnections)
        text.begin(
            "poolgate_client_connections_refused", .counter,
            "Those of them that were turned away at once, since a bound was reached.")
        text.add(counters.refusedConnections)
        text.begin(
            "poolgate_http2_connections", .counter, "Clients' connections so far that spoke HTTP/2.")
        text.add(counters.http2Connections)
        text.begin("poolgate_http2_requests", .counter, "Requests that came by HTTP/2.")
        text.add(counters.http2Requests)
        text.begin("poolgate_websockets", .gauge, "WebSockets that are open.")
        text.add(facts.loops.figures.webSockets)
        text.begin("poolgate_websockets_opened", .counter, "WebSockets so far.")
        text.add(counters.openedWebSockets)
        text.begin(
            "poolgate_websockets_closed", .counter,
            "WebSockets that the gateway closed, since token or rows no longer allowed them.")
        text.add(counters.closedWebSockets)
        text.begin("poolgate_client_received_bytes", .counter, "Bytes from clients, as HTTP.")
        text.add(counters.clientBytesReceived)
        text.begin("poolgate_client_sent_bytes", .counter, "Bytes to clients, as HTTP.")
        text.add(counters.clientBytesSent)
        text.begin("poolgate_upstream_received_bytes", .counter, "Bytes from upstreams, as HTTP.")
        text.add(counters.upstreamBytesReceived)
        text.begin("poolgate_upstream_sent_bytes", .counter, "Bytes to upstreams, as HTTP.")
        text.add(counters.upstreamBytesSent)
    }

    mutating func writeLoops() {
        let loops = facts.loops
        text.begin(
            "poolgate_event_loop_lag_seconds", .gauge,
            "How late a loop was lately, at most; of one that does not answer, for how long it has not.")
        for (index, loop) in loops.loops.enumerated() {
            text.add(nanoseconds: loop.delay(at: loops.at), ["loop": "\(index)"])
        }
        text.begin(
            "poolgate_event_loop_responding", .gauge, "Whether a loop answered this scrape in time.")
        for (index, loop) in loops.loops.enumerated() {
            text.add(loop.askedAt == nil, ["loop": "\(index)"])
        }
        text.begin(
            "poolgate_event_loop_delay_seconds", .histogram, "How late the ticks of the loops' clocks came.")
        text.add(loops.counters.tickDelays)
    }

    /// Of very many, those that expire first.
    mutating func writeCertificates() {
        text.begin(
            "poolgate_certificate_expiry_timestamp_seconds", .gauge,
            "When the certificates that clients may be shown expire, of those that expire first; the name is that of its files."
        )
        let first = facts.certificateEnds.sorted { ($0.seconds, $0.name) < ($1.seconds, $1.name) }
        for end in first.prefix(Limits.namedCertificates) {
            text.add(end.seconds, ["certificate": end.name])
        }
    }

    mutating func writeProcess() {
        let process = facts.process
        text.begin(
            "poolgate_log_lines_dropped", .counter,
            "Lines that were not written, for the log was read slowly.")
        text.add(facts.droppedLines)
        text.begin("poolgate_build", .info, "Which program this is.")
        text.add(1, ["version": facts.version])
        text.begin(
            "process_cpu_seconds", .counter, "Seconds of all cores that the process used.")
        text.add(nanoseconds: process.cpuNanoseconds)
        text.begin("process_resident_memory_bytes", .gauge, "What the process has in memory.")
        text.add(process.residentBytes)
        text.begin("process_virtual_memory_bytes", .gauge, "What the process has addresses for.")
        text.add(process.virtualBytes)
        text.begin("process_open_fds", .gauge, "File descriptors that are open.")
        text.add(process.openDescriptors)
        text.begin("process_max_fds", .gauge, "File descriptors that may be open.")
        text.add(process.descriptorLimit)
        text.begin("process_threads", .gauge, "Threads of the process.")
        text.add(process.threads)
        text.begin(
            "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.")
        text.add(nanoseconds: UInt64(max(facts.startedAt.nanoseconds, 0)))
    }
}

extension UpstreamFigures {
    /// What is left of these without some of them.
    fileprivate func without(_ shown: ArraySlice<UpstreamFigures>) -> UpstreamFigures {
        var rest = self
        for one in shown {
            rest.open -= one.open
            rest.idle -= one.idle
            rest.connecting -= one.connecting
            rest.waiting -= one.waiting
            rest.ejections -= one.ejections
        }
        return rest
    }
}
