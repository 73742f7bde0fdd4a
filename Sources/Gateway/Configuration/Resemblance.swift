/// Which name was probably meant by a misspelt one.
enum Resemblance {
    /// The most similar of `names`; nil where turning `name` into it takes more than three edits, or more than a third of its
    /// length.
    static func nearest(to name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().replacing("_", with: "-").utf8.prefix(Limits.comparedBytes))
        let ranked = names.map { candidate in
            (candidate, distance(wanted, Array(candidate.lowercased().replacing("_", with: "-").utf8)))
        }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= min(3, max(1, wanted.count / 3)) else {
            return nil
        }
        return best.0
    }

    /// How many bytes must be inserted, removed or replaced to turn one into the other (Levenshtein distance).
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
