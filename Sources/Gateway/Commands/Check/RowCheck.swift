import ControlPlane
import Gatekeeper

/// The rows: those that cannot be served, and those that lead nowhere.
enum RowCheck {
    /// What was found of all rows together, and of each that is not good.
    static func findings(_ content: DirectoryContent) -> [Finding] {
        let flaws = content.quarantined.sorted { $0.key < $1.key }.map { host, flaw in
            Finding.failure("tenant \(host)", flaw.description, "UPDATE the row")
        }
        let active = RowCheck.active(content)
        let lost = active.filter(\.upstreams.isEmpty).map(\.name.description).sorted()
        var findings = flaws
        if flaws.isEmpty { findings.append(.good("tenants", "\(content.count), every row can be served")) }
        if !lost.isEmpty {
            findings.append(
                .warning(
                    "tenants", "neither the row nor --upstream names an upstream for \(Finding.some(lost))",
                    "set upstream in the row, or POOLGATE_UPSTREAM for all; until then they are 503 no_upstream"
                ))
        }
        return findings
    }

    /// The tenants whose requests are served.
    static func active(_ content: DirectoryContent) -> [Tenant] {
        content.directory.entries.compactMap(\.1.tenant).filter { $0.state == .active }
    }
}
