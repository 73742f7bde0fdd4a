package import Gatekeeper
import JOSE
import Synchronization

/// Fetches key sets by bounded GETs: 5 s in all, TLS verified, no redirects, 64 KiB, identity coding, 64 at once.
///
/// A class, because it owns the transfer thread; it ends with it.
package final class KeyFetcher: Sendable {
    private let thread: TransferThread
    private let issuerForms: IssuerForms
    private let underWay = Mutex<[PoolName: TransferThread.Ticket]>([:])

    /// Starts the thread; keys are asked for where `issuerForms` says.
    package init(issuerForms: IssuerForms, egress: EgressSettings) {
        self.issuerForms = issuerForms
        self.thread = TransferThread(egress: egress)
    }

    /// Fetches and parses the keys of `pool`; each pool one fetch at a time is the caller's business.
    @concurrent
    package func fetch(_ pool: PoolName, _ priority: FetchPriority = FetchPriority()) async -> KeyFetchResult
    {
        let ticket = thread.makeTicket()
        underWay.withLock { $0[pool] = ticket }
        defer {
            underWay.withLock { if $0[pool] == ticket { $0[pool] = nil } }
        }
        let request = TransferRequest(url: issuerForms.keysURL(of: pool), answerBytes: Limits.keySetBytes)
        switch await thread.transfer(request, priority, ticket) {
        case .failure(let failure): return .failure(.transfer(failure))
        case .success(let answer): return KeyFetcher.keys(in: answer)
        }
    }

    /// Changes the turn of the pool's fetch, where there is one that has not begun.
    package func update(_ pool: PoolName, _ priority: FetchPriority) {
        guard let ticket = underWay.withLock({ $0[pool] }) else { return }
        thread.update(ticket, priority)
    }

    /// Where pools get their keys from in the gateway.
    package var source: KeySource {
        KeySource(
            fetch: { await self.fetch($0, $1) },
            update: { self.update($0, $1) })
    }

    /// Makes one general HTTP call, ahead of the fetches that nobody waits for.
    package func call(_ call: HTTPCall) async -> Result<HTTPReply, TransferFailure> {
        let request = TransferRequest(
            url: call.url, headerLines: call.headers.map { "\($0.name): \($0.value)" },
            postBody: call.postBody,
            answerBytes: Limits.callAnswerBytes, time: call.time)
        let outcome = await thread.transfer(request, FetchPriority(requestsWait: true), thread.makeTicket())
        return outcome.map { HTTPReply(status: $0.status, body: $0.body) }
    }

    /// Ends every fetch with `cancelled`; later ones end so at once.
    package func stop() {
        thread.stop()
    }

    static func keys(in answer: TransferAnswer) -> KeyFetchResult {
        switch answer.status {
        case 200: break
        case 300..<400: return .failure(.redirect(answer.status))
        default: return .failure(.status(answer.status))
        }
        do {
            let keySet = try JSONWebKeySet(parsing: answer.body)
            return .success(FetchedKeys(keySet: keySet, freshSeconds: answer.head.freshSeconds))
        } catch {
            return .failure(.unusableKeySet(error))
        }
    }
}

/// A small HTTP call of the command line, such as to the admin port.
package struct HTTPCall: Sendable {
    /// Absolute, `http` or `https`.
    package let url: String
    /// Sent as they are; neither part may hold a line end.
    package let headers: [(name: String, value: String)]
    /// Makes it a POST with these bytes; nil makes it a GET.
    package let postBody: [UInt8]?
    /// In all.
    package let time: Duration

    package init(
        url: String, headers: [(name: String, value: String)] = [], postBody: [UInt8]? = nil,
        time: Duration = .seconds(5)
    ) {
        self.url = url
        self.headers = headers
        self.postBody = postBody
        self.time = time
    }
}

/// What a call was answered with, whatever the status; the body has at most 16 MiB.
package struct HTTPReply: Sendable {
    package let status: Int
    package let body: [UInt8]
}
