import NIOCore

/// Every bound of the data plane that no setting changes, with its unit (ops/guide/traffic.md tells those that users meet).
package enum Limits {
    /// One tick of a loop's clock by which deadlines are kept; they are late by at most this, those of streams
    /// by more where a loop has more than `streamsATick`.
    static let tick = TimeAmount.milliseconds(250)
    static let ticksPerSecond: UInt32 = 4
    /// How long after the drain began an idle connection is kept: a request may be on its way, and would be lost.
    static let drainedIdleTicks: UInt32 = 2
    /// The rest of a head that had begun when the drain did.
    static let drainedHeadTicks: UInt32 = 1 * ticksPerSecond
    /// The head of an upstream's response, from the end of the request.
    static let responseTicks: UInt32 = 60 * ticksPerSecond
    /// A body in which no byte moves.
    static let bodyIdleTicks: UInt32 = 60 * ticksPerSecond
    /// Dropping what a client still sends after a response that left its request unread: in all, without a byte, and
    /// how much.
    static let lingerTicks: UInt32 = 5 * ticksPerSecond
    static let lingerIdleTicks: UInt32 = 1 * ticksPerSecond
    static let lingerBytes = 64 * 1024 * 1024
    /// What a pool's actor says of a key; the control plane ends the wait after 3 s, this is what holds if it did not.
    static let keyTicks: UInt32 = 5 * ticksPerSecond
    /// An idle kept-alive upstream connection; Node and uvicorn close theirs at 5 s.
    static let upstreamIdleTicks: UInt32 = 4 * ticksPerSecond
    /// How many connections may wait to be accepted (listen(2)); the system may allow fewer.
    static let acceptBacklog: CInt = 4096
    /// How long a listener that cannot accept rests.
    static let acceptPause = TimeAmount.milliseconds(250)
    /// How long a listener that lets nobody in any more is looked at before it is closed, and how often.
    static let backlogLooks = 100
    static let backlogPause = Duration.milliseconds(5)
    /// Finding an upstream's addresses and what verifies it; after that, all tries to connect to it.
    static let upstreamPreparation = TimeAmount.seconds(2)
    static let upstreamConnect = TimeAmount.seconds(2)
    /// The least that one of several addresses gets of that.
    static let addressConnect = TimeAmount.milliseconds(500)
    /// The TLS handshake with an upstream.
    static let upstreamHandshake = TimeAmount.seconds(2)
    /// One read of a socket, at most and at first; one read is made before the loop looks at its other sockets.
    static let readBytes = 32 * 1024
    static let firstReadBytes = 2 * 1024
    static let readsPerTurn: UInt = 1
    /// Whoever waits for a connection that is made is told so after the three times above, and one second more.
    static let connectionTicks: UInt32 = 7 * ticksPerSecond
    /// Threads for names and CA files that a request waits for, and how many more where so many of them hang; those for
    /// what is only looked at again, and for what took long the last time.
    static let requestThreads = 32
    static let hangingThreads = 96
    static let renewalThreads = 8
    static let slowThreads = 64
    /// What one tenant's requests may have of the first and the last.
    static let threadsOfTenant = 2
    /// Names that wait for a thread, of each of those kinds.
    static let waitingForThread = 4096
    /// How long such work takes before it counts as slow or as hanging, how long it is done apart from others then, and
    /// how long a failure is remembered.
    static let slowWork = TimeAmount.seconds(1)
    static let slowWorkAge = TimeAmount.seconds(60)
    static let failedWorkAge = TimeAmount.seconds(1)
    static let rememberedWork = 4096
    /// The largest CA file.
    static let authorityBytes = 4 * 1024 * 1024
    /// Bytes that may wait for a slow peer before its other side is no longer read.
    static let writeHighWaterBytes = 32 * 1024
    static let writeLowWaterBytes = 16 * 1024
    /// A read larger than this is not kept whole for a piece of less than its half that must wait.
    static let sharedReadBytes = 4 * 1024
    /// Small pieces for a slow peer are handed on together in writes of this size.
    static let joinedWriteBytes = 16 * 1024
    /// Heads that are written before the gateway looks whether their peer takes them.
    static let uncheckedWrites = 16
    /// Bytes of pipelined requests that wait behind the one under way.
    static let pipelinedBytes = 32 * 1024
    /// An upstream's socket: what it holds is read at once when the upstream ends its stream, whoever waits.
    static let upstreamReceiveBytes = 256 * 1024
    /// What one client's FIN may bring at once beyond the bounds above, and those of all clients of a loop together:
    /// the kernel holds up to `net.ipv4.tcp_rmem`, 6 MiB unless set otherwise, and SwiftNIO reads it whole.
    static let surplusBytesOfClient = 8 * 1024 * 1024
    static let surplusBytes = 64 * 1024 * 1024
    /// Interim (1xx) responses of one request, and how long it may wait for the final one from the first of them on.
    static let interimResponses = 100
    static let interimTicks: UInt32 = 3600 * ticksPerSecond
    /// Trusted addresses that are looked past in `X-Forwarded-For` to find the client.
    static let forwardedHops = 32
    /// What the gateway's own lines of a request's head come to, and of a response's, but for long addresses and ports:
    /// reserved beforehand, and more where it is more.
    static let forwardedLinesBytes = 512
    static let responseFramingBytes = 128
    /// Body bytes that are copied behind a head so that both leave in one write.
    static let coalescedBodyBytes = 16 * 1024
    /// The least that one loop holds of verified tokens.
    static let tokenCacheBytesPerLoop = 8 * 1024 * 1024
    /// Buffers of heads that a loop keeps for the next ones, and the largest that it keeps.
    static let spareBuffers = 256
    /// For so many connections a loop keeps room that have something to send at once.
    static let keptFlushes = 1_024
    static let keptScratchBytes = 4 * 1024
    /// Idle upstream connections of the process, or a quarter of the descriptors where that is less.
    static let idleUpstreamConnections = 1024
    /// How long the addresses of an upstream's name are used before they are looked up again.
    static let resolutionTicks: UInt32 = 5 * ticksPerSecond
    /// How long a pool without connections is kept.
    static let poolTicks: UInt32 = 60 * ticksPerSecond
    /// Requests that wait for a connection to one upstream, a loop; and those of one tenant.
    static let waitingForUpstream = 1024
    static let waitingOfTenant = 512
    /// Tenants that a loop remembers with their upstreams before it forgets those that hold no connection.
    static let rememberedGroups = 4096
    /// How often it may do so.
    static let groupTicks: UInt32 = 60 * ticksPerSecond
    /// Tenants whose requests all failed, with nobody's answered in between, that leave an upstream out for everybody.
    static let witnessesToEject = 3
    /// How long a CA file is taken for unchanged.
    static let authorityAge = TimeAmount.seconds(10)
    /// Failures of an upstream in a row that eject it.
    static let failuresToEject = 3
    /// How long the first ejection lasts; each further one twice as long.
    static let ejectionTicks: UInt32 = 5 * ticksPerSecond
    static let longestEjectionTicks: UInt32 = 60 * ticksPerSecond
    /// How long an upstream takes to regain its share.
    static let returnTicks: UInt32 = 10 * ticksPerSecond
    /// Tokens that one tenant may have waiting for verification, a loop, and all of them together.
    static let waitingTokensOfTenant = 256
    static let waitingTokens = 65_536
    /// Tokens verified before a loop looks at its sockets again.
    static let verificationsPerBatch = 4
    /// Clients that are read from again in one batch after a refusal.
    static let refusedPerBatch = 2
    /// Clients in the line of those, gone ones included, that are looked at in one batch.
    static let heldBackLooksPerBatch = 256
    /// Requests out of that line that are served in one batch, where an earlier one had the same token verified.
    static let waitingServedPerBatch = 16
    /// A WebSocket that is to be closed: how long until a frame's boundary, and until the client has gone.
    static let closingTicks: UInt32 = 1 * ticksPerSecond
    /// Seconds without a byte after which the kernel asks whether a WebSocket's peer is still there.
    static let keepAliveIdleSeconds = 60
    /// What a client's TLS handshake begins with, from which the name that it asks for is read.
    static let clientHelloBytes = 32 * 1024
    /// How often the folder of certificates is looked at.
    static let certificatePause = TimeAmount.seconds(1)
    /// Pairs of that folder that are read.
    static let certificatePairs = 20_000
    /// A pair that could not be read is tried again after this.
    static let certificateRetry = TimeAmount.seconds(10)
    /// A certificate that is shown though it is not valid is told of again after this.
    static let certificateReminder = TimeAmount.minutes(10)
    /// Connections closed for their PROXY header: one of a kind is told in this time, the others are counted.
    static let proxyHeaderPause = TimeAmount.seconds(10)
    /// What a log record holds of a request's method, host and path, in bytes.
    static let recordedMethodBytes = 32
    static let recordedHostBytes = 256
    static let recordedPathBytes = 512
    /// The longest `traceparent` that is read, of a version yet to come; and what of `tracestate` is passed on at most.
    static let traceParentBytes = 128
    static let traceStateBytes = 512
    static let traceStateMembers = 32
    /// Requests of clients that are no trusted proxies that a loop records in a second because they ask for it.
    static let askedTracesPerSecond = 10
    /// Records of requests whose spans wait to be exported.
    package static let traceRing = 2048
    /// The longest `X-Request-Id` that is kept from a trusted balancer.
    static let requestIDBytes = 128
    /// Records of one tenant's refusals of one kind in a second, and kinds that are told apart, a loop.
    static let recordsOfRefusal = 10
    static let talliedRefusals = 1_024
    /// Records that wait for the log's writer.
    package static let recordRing = 8192
    /// The first bound of the histograms of times; each further one is twice the one before.
    static let shortestBucketNanoseconds: UInt64 = 4_000
    /// Tenants that a loop counts one by one between two questions for its counters; the others share one count.
    static let talliedTenants = 8_192
    /// Tenants that have a series of their own in the metrics.
    package static let namedTenants = 50
    /// How often the busiest tenants are chosen anew.
    static let busiestTurnNanoseconds: UInt64 = 60 * 1_000_000_000
    /// Upstreams that a loop's reading names, and the readings of all loops together.
    static let shownUpstreams = 128
    /// After so many ticks the longest delay of a tick is forgotten, another such time later.
    static let delayTicks: UInt32 = 16 * ticksPerSecond
    /// Streams that a client may have open at once by one HTTP/2 connection (RFC 9113 §6.5.2).
    static let streams: UInt32 = 128
    /// What a peer may send on all streams of a connection before it is told that it may send more.
    static let connectionWindowBytes: Int32 = 8 * 65_535
    /// What may wait of the responses of all of one connection's streams before the next bytes of any are the loop's to lend,
    /// and how much a loop lends to all connections together.
    static let connectionResponseBytes = 256 * 1024
    static let lentResponseBytes = 64 * 1024 * 1024
    /// The same of requests' bodies, which wait for upstreams.
    static let connectionUploadBytes = 256 * 1024
    static let lentUploadBytes = 64 * 1024 * 1024
    /// How long a body may wait for an upstream that takes nothing of it, where a loop has nothing left to lend and its
    /// connection has more than its share.
    static let stalledUploadTicks: UInt32 = 5 * ticksPerSecond
    /// Heads and trailers of responses that are passed on to a client that takes nothing, though nothing is left to be lent.
    static let smallHeadBytes = 4 * 1024
    /// What an HTTP/2 connection writes at once before it looks whether its client takes it.
    static let http2WriteBytes = 64 * 1024
    /// One read of it, at most, and what is passed on of a body at once: a stream's whole window.
    static let http2ReadBytes = 64 * 1024
    /// Streams that a loop looks at in one tick, some 5 ms' work; how many of those that last it judges anew at once when rows
    /// have changed, and for how long it then looks at its sockets.
    static let streamsATick = 16_384
    static let reviewsAtOnce = 4_096
    static let reviewPause = TimeAmount.milliseconds(1)
    /// How long after the first GOAWAY streams that are on their way are still taken (RFC 9113 §6.8).
    static let noticeTicks: UInt32 = 1 * ticksPerSecond
    /// Streams on one HTTP/2 connection to an upstream, where it allows more, and connections to one upstream, a loop.
    static let streamsOfUpstream = 1_000
    static let sharedConnections = 8
    /// How many requests a connection that is being made is expected to carry.
    static let streamsExpected = 100
    /// An HTTP/2 connection to an upstream without a stream is closed after this.
    static let sharedIdleTicks: UInt32 = 60 * ticksPerSecond
    /// After how long an upstream that owes a response and says nothing is asked for a sign of life, and how long it has
    /// to give one.
    static let silenceTicks: UInt32 = 15 * ticksPerSecond
    static let pingTicks: UInt32 = 10 * ticksPerSecond
    /// What a question's field, its head and its fields may have beyond those of the request that it is about: a name, the
    /// lines that a proxy adds, and how many they are.
    static let questionFieldBytes = 1024
    static let questionHeadBytes = 8 * 1024
    static let questionFields = 32
    /// What a question's description has beyond the question's own lines, and an answer beyond what it tells: reserved
    /// beforehand, and more where it is more.
    static let descriptionBytes = 128
    static let answerBytes = 256
    /// The rest of a question's body that is read and dropped behind its answer, so that the connection lives on.
    static let droppedBodyBytes = 64 * 1024
    /// What one connection may hold of the messages of calls by gRPC, of which each ends in time.
    static let collectedBytes = 4 * 1024 * 1024
    /// Calls that watch the gateway's health, of one connection and of a loop.
    static let watchesOfConnection = 4
    static let watches = 64
    /// The longest text that is read as an address in `X-Forwarded-For`.
    static let forwardedAddressBytes = 64
}
