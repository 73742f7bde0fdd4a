import ControlPlane
import Gatekeeper

/// The keys that sign assertions: whether the folder can be read, and whether one of its keys signs.
enum SigningKeyCheck {
    /// What was found at `now`; nothing where no folder is named.
    static func findings(_ settings: Settings, at now: Instant) -> [Finding] {
        guard let folder = settings.signingKeys else { return [] }
        let advice = "without a key that signs, requests go on without an assertion"
        let report: SigningKeyReport
        do throws(SigningKeyFlaw) {
            report = try SigningKeyReport(
                folder: folder, delaySeconds: settings.signingKeyDelay.components.seconds, at: now)
        } catch {
            return [.failure("signing keys", "\(folder) cannot be read: \(error)", advice)]
        }
        var findings = report.keys.compactMap { key in
            key.error.map { Finding.failure("signing key \(key.file)", $0, "mend it or remove it") }
        }
        if let signing = report.keys.first(where: { $0.state == "signs" }) {
            let others = report.keys.filter { $0.state == "published" }.count
            findings.append(
                .good(
                    "signing keys",
                    "\(signing.file) signs, kid \(signing.kid ?? ""); \(others) more are published"))
        } else {
            findings.append(
                .failure("signing keys", "\(folder) holds no key that signs", "poolgate keys new; \(advice)"))
        }
        return findings
    }
}
