import Gatekeeper

/// What the loop counts of an exchange: once for each, what became of it and how long its parts took.
extension Exchange {
    /// The response of an upstream is out whole, or the answer to a question.
    func countAdmitted() {
        guard beginCounting(.admitted) else { return }
        worker.counters.admitted &+= 1
        worker.counters.admittedTimes.add(times.total)
        countParts()
    }

    /// It was refused, by the gateway itself or since an upstream failed it.
    func countRefused(_ refusal: Refusal) {
        let verdict = LoopCounters.Verdict(refusal)
        guard beginCounting(verdict) else { return }
        worker.counters.refusals[refusal, default: 0] &+= 1
        if verdict == .failed {
            worker.counters.failedTimes.add(times.total)
        } else {
            worker.counters.refusedTimes.add(times.total)
        }
        countParts()
    }

    /// Its response was broken off.
    func countCutResponse() {
        if beginCounting(.brokenOff) { worker.counters.cutResponses &+= 1 }
    }

    /// Its client is gone before the response was whole.
    func countLostClient() {
        if beginCounting(.brokenOff) { worker.counters.lostClients &+= 1 }
    }

    /// It became a WebSocket, which lasts as long as it lasts.
    func countWebSocket() {
        worker.counters.openedWebSockets &+= 1
        guard beginCounting(.admitted) else { return }
        worker.counters.admitted &+= 1
        countParts()
    }

    /// Notes what it came to for its tenant; false where it was counted already.
    private func beginCounting(_ verdict: LoopCounters.Verdict) -> Bool {
        guard !isCounted else { return false }
        isCounted = true
        worker.tally.count(verdict, of: tenant)
        if let question { worker.counters.questions[question.form, verdict] &+= 1 }
        return true
    }

    private func countParts() {
        worker.counters.ownShares.add(times.ownShare)
        worker.counters.connectionWaits.add(times.connectionWait)
        guard let wait = times.upstreamWait else { return }
        worker.counters.upstreamTimes.add(wait)
        worker.counters.responses[min(max(status / 100, 0), 9)] &+= 1
    }
}
