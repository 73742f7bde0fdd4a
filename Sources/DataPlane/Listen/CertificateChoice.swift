/// Which of several certificates a client is shown (ops/guide/traffic.md).
///
/// A pure value, made whenever the folder was read, so that a handshake looks up and does not search.
struct CertificateChoice: Sendable {
    /// What of a pair decides.
    struct Candidate: Sendable {
        /// The pair's name, `default` for the one that unknown names are shown.
        let name: String
        let names: CertificateNames
        /// Seconds since 1970 between which, both included, it is valid.
        let validFrom: Int64
        let validUntil: Int64

        func isValid(at now: Int64) -> Bool { validFrom <= now && now <= validUntil }
    }

    private let candidates: [Candidate]
    private var byName: [[UInt8]: [Int]] = [:]
    private var bySuffix: [[UInt8]: [Int]] = [:]
    private var byAddress: [[UInt8]: [Int]] = [:]

    init(_ candidates: [Candidate]) {
        self.candidates = candidates
        for (index, candidate) in candidates.enumerated() {
            for name in candidate.names.exact { byName[name, default: []].append(index) }
            for suffix in candidate.names.suffixes { bySuffix[suffix, default: []].append(index) }
            for address in candidate.names.addresses { byAddress[address, default: []].append(index) }
        }
    }

    /// The place of the candidate to show to who asks for `name`, in lower case without a last dot, or without one
    /// connects to `address`; nil where there is none at all.
    ///
    /// Of those that cover it, the one that is valid now and lasts longest; of equals one that says the name itself and
    /// not by a wildcard. Where none covers it, the one called `default`, unless that is not valid and another is.
    func best(for name: [UInt8]?, address: [UInt8]?, at now: Int64) -> Int? {
        let covering: [Int]
        var exact = 0
        if let asked = name.flatMap(CertificateNames.address(written:)) ?? (name == nil ? address : nil) {
            covering = byAddress[asked] ?? []
            exact = covering.count
        } else if let name {
            let own = byName[name] ?? []
            exact = own.count
            let dot = name.firstIndex(of: 0x2E).flatMap { $0 > 0 ? $0 : nil }
            covering = own + (dot.flatMap { bySuffix[Array(name[$0...])] } ?? [])
        } else {
            covering = []
        }
        if !covering.isEmpty { return best(of: covering, preferred: { $0 < exact }, at: now) }
        // A pair's being called `default` counts for more than how long it lasts.
        let named = candidates.indices.filter { candidates[$0].name == "default" }
        if let first = named.first, candidates[first].isValid(at: now) { return first }
        let valid = candidates.indices.filter { candidates[$0].isValid(at: now) }
        if !valid.isEmpty { return best(of: valid, preferred: { _ in false }, at: now) }
        return named.first ?? best(of: Array(candidates.indices), preferred: { _ in false }, at: now)
    }

    /// `preferred` tells of a place among `indices` whether it wins among equals.
    private func best(of indices: [Int], preferred: (Int) -> Bool, at now: Int64) -> Int? {
        func rank(_ place: Int) -> (Int, Int64, Int) {
            let candidate = candidates[indices[place]]
            return (candidate.isValid(at: now) ? 1 : 0, candidate.validUntil, preferred(place) ? 1 : 0)
        }
        var best: Int?
        for place in indices.indices where best.map({ rank($0) < rank(place) }) ?? true { best = place }
        return best.map { indices[$0] }
    }
}
