/// Finds variables that begin like ours and are none, so that a slip of the pen is not a setting silently ignored.
enum VariableNames {
    /// One sentence for each; empty variables count as unset.
    static func mistakes(in environment: [String: String]) -> [String] {
        let known = (Setting.all + [.file]).map(\.variable)
        return environment.filter { name, value in
            name.hasPrefix(Setting.prefix) && !value.isEmpty && !known.contains(name)
                && !isServiceLink(name, value)
        }.keys.sorted().map { name in
            let advice = Resemblance.nearest(to: name, among: known).map { "; did you mean \($0)?" }
            return "\(Printable.text(name)) is no setting\(advice ?? "")"
        }
    }

    /// Whether Kubernetes or Docker made the variable for a service whose name begins with `poolgate`: such as
    /// `POOLGATE_PORT`, `POOLGATE_SERVICE_HOST`, `POOLGATE_ADMIN_SERVICE_PORT_HTTP`, `POOLGATE_PORT_80_TCP_ADDR`.
    static func isServiceLink(_ name: String, _ value: String) -> Bool {
        name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
            || name.hasSuffix("_PORT") && value.contains("://")
            || name.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
    }
}

/// Which of the names that exist was probably meant.
enum Resemblance {
    /// The nearest name within three edits and a third of its length; nil where none is that near.
    static func nearest(to name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().replacing("_", with: "-").utf8.prefix(64))
        let ranked = names.map { candidate in
            (candidate, distance(wanted, Array(candidate.lowercased().replacing("_", with: "-").utf8)))
        }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= min(3, max(1, wanted.count / 3)) else {
            return nil
        }
        return best.0
    }

    /// How many bytes must be put in, taken out or replaced.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (byte == right[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
