import DataPlane
import Gatekeeper

/// The certificates of the TLS listener: whether they load, until when they are good, and which rows' hosts they cover.
struct CertificateCheck {
    private let inspection: CertificateInspection
    private let folder: String
    private let now: Instant

    /// Reads the folder of the settings at `now`; nil where there is no TLS listener.
    init?(_ settings: Settings, at now: Instant) {
        guard let folder = settings.tlsCertificates else { return nil }
        inspection = CertificateInspection(folder: folder)
        self.folder = folder
        self.now = now
    }

    /// What was found of the pairs.
    func findings() -> [Finding] {
        if let flaw = inspection.folderFlaw {
            return [.failure("certificates", "\(folder) cannot be listed: \(flaw)")]
        }
        var findings = inspection.unusable.map {
            Finding.failure("certificate \($0.name)", $0.reason, "put a good pair into \(folder)")
        }
        if inspection.pairs.isEmpty {
            findings.append(
                .failure(
                    "certificates", "\(folder) holds no pair that can be used",
                    "put NAME.crt and NAME.key there"))
        }
        return findings + inspection.pairs.map(finding)
    }

    /// The rows' hosts that no certificate covers.
    func coverage(of hosts: [String]) -> [Finding] {
        let bare = hosts.filter { !inspection.covers($0) }.sorted()
        guard !bare.isEmpty else {
            return hosts.isEmpty ? [] : [.good("certificates", "every row's host is covered")]
        }
        return [
            .warning(
                "certificates", "no certificate covers \(Finding.some(bare))",
                "over TLS their clients are shown another name's; put pairs for them into \(folder)")
        ]
    }

    private func finding(_ pair: CertificateInspection.Pair) -> Finding {
        let subject = "certificate \(pair.name)"
        let (from, until) = (Instant(seconds: pair.validFrom), Instant(seconds: pair.validUntil))
        let names = pair.hosts.isEmpty ? "no name" : Finding.some(pair.hosts)
        let end = PersonTime(until, now: now)
        if now < from {
            return .failure(
                subject, "not valid before \(PersonTime(from, now: now))", "set the clock right, or wait")
        }
        if now >= until { return .failure(subject, "expired at \(end)", "renew it") }
        let days = until.seconds(since: now) / 86_400
        if days < Limits.certificateDaysToRenew {
            let isLate = days < Limits.certificateDaysLate
            return .warning(
                subject, "for \(names), expires at \(end)",
                isLate ? "renew it now: whatever renews it has failed" : "see that it is renewed")
        }
        return .good(subject, "for \(names), until \(end)")
    }
}
