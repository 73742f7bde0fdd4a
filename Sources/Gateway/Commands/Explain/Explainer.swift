import DataPlane
import Gatekeeper
import HTTPMessage

/// Judges requests that somebody describes, as an event loop would judge them, and says every check.
///
/// The snapshot is the running gateway's own, or one that a command made of the rows it read. Nothing is kept of a request,
/// and no byte of its token comes out.
struct Explainer: Sendable {
    /// The gateway's bounds of heads, by which messages are refused.
    let headLimits: HeadLimits
    /// The gateway's bound of bodies; nil is none.
    let maxBodyBytes: UInt64?

    /// The rules for messages that the settings give.
    init(_ settings: Settings) {
        headLimits = settings.headLimits
        maxBodyBytes = settings.maxBodyBytes
    }

    /// What a pool says of a key that the snapshot lacks: the pool's keys now, and whether the key is among them.
    typealias KeySource = (WantedKey) async -> (keys: PublishedKeys?, lookup: KeyLookupResult)

    /// Judges the request at `now`: once, and once more where its pool has to be asked for a key first.
    func explain(
        _ request: ExplanationRequest, by snapshot: Snapshot, at now: Instant, keys: KeySource
    ) async -> ExplanationReport {
        let described = request.described(limits: headLimits, maxBodyBytes: maxBodyBytes)
        var explanation = Explanation()
        if let refusal = described.refusal {
            explanation.messageRefused(refusal)
            return ExplanationReport(request, explanation, at: now)
        }
        let judge = Judge(tokenCacheBytes: Limits.explainedTokenBytes, seed: 0)
        judge.snapshot = snapshot
        var verdict = described.withFacts { judge.explain($0, at: now, into: &explanation) }
        if case .needsKey(let key, _) = verdict {
            let found = await keys(key)
            judge.snapshot.setKeys(found.keys, of: key.pool)
            explanation = Explanation()
            verdict = described.withFacts {
                judge.explain($0, at: now, lookup: found.lookup, into: &explanation)
            }
        }
        if case .admit(let admission) = verdict,
            let refusal = described.bodyRefusal(by: admission.resolved.tenant)
        {
            explanation.messageRefused(refusal)
        }
        return ExplanationReport(request, explanation, at: now)
    }
}
