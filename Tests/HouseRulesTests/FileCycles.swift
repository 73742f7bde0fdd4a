/// Which files of a module name each other's types, and where that goes in a ring.
///
/// A file names another when it holds a type that the other declares: at its top, or in an extension of a type from
/// elsewhere. Private types, and names that two files declare, are left out. `X+Y.swift` counts as a part of
/// `X.swift`. `.ci/measure-house --edges` counts alike and says which mentions close the ring.
struct FileCycles {
    private var names: [String: Set<String>] = [:]

    /// The files that reach each other, each ring sorted; empty where nothing goes in a ring.
    static func rings(in files: [SwiftFile]) -> [[String]] {
        var cycles = FileCycles()
        let stems = Set(files.map(\.stem))
        func node(_ file: SwiftFile) -> String {
            let head = file.stem.split(separator: "+").first.map(String.init) ?? file.stem
            return stems.contains(head) ? head : file.stem
        }
        var homes: [String: Set<String>] = [:]
        for file in files {
            for type in file.declaredTypes() { homes[type, default: []].insert(node(file)) }
        }
        for file in files {
            for token in file.tokens where token.kind == .word {
                guard let home = homes[token.text], home.count == 1, let other = home.first,
                    other != node(file)
                else { continue }
                cycles.names[node(file), default: []].insert(other)
            }
        }
        return cycles.rings()
    }

    /// Files that reach themselves, put together with those that they reach and that reach them.
    private func rings() -> [[String]] {
        var reached: [String: Set<String>] = [:]
        for start in names.keys {
            var (seen, left): (Set<String>, [String]) = ([], [start])
            while let next = left.popLast() {
                for other in names[next] ?? [] where seen.insert(other).inserted { left.append(other) }
            }
            reached[start] = seen
        }
        let inRings = reached.filter { $0.value.contains($0.key) }
        let rings = inRings.map { start, others in
            others.filter { reached[$0]?.contains(start) == true }.sorted()
        }
        return Set(rings).sorted { $0.lexicographicallyPrecedes($1) }
    }
}

extension SwiftFile {
    var stem: String { String(path.split(separator: "/").last?.dropLast(".swift".count) ?? "") }

    /// The types that belong to this file alone: those at its top, and those in extensions of others' types.
    func declaredTypes() -> Set<String> {
        let kinds: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        let braces = braces()
        var found: [String: String?] = [:]
        var (place, extended, end): (Int, String?, Int) = (0, nil, -1)
        while place < tokens.count {
            let token = tokens[place]
            if place > end { extended = nil }
            if token.isWord("extension"), let name = self.token(place, 1), let open = opening(from: place) {
                (extended, end) = (name.text, braces[open] ?? tokens.count)
                place = open
            } else if token.kind == .word, kinds.contains(token.text), let name = self.token(place, 1),
                name.kind == .word, name.text.first?.isUppercase == true,
                self.token(place, -1)?.is(".") != true
            {
                if !isPrivate(place) { found[name.text] = extended }
                // What is declared inside a type goes with it.
                if token.text != "typealias", let open = opening(from: place) {
                    place = braces[open] ?? place
                }
            } else if token.is("{") {
                place = braces[place] ?? place
            }
            place += 1
        }
        return Set(found.filter { _, owner in owner.map { found.keys.contains($0) } != true }.keys)
    }

    private func opening(from index: Int) -> Int? { tokens[index...].firstIndex { $0.is("{") } }

    private func isPrivate(_ index: Int) -> Bool {
        var place = index - 1
        while let token = token(place, 0), token.kind == .word {
            if token.text == "private" || token.text == "fileprivate" { return true }
            guard ["final", "indirect", "package", "internal"].contains(token.text) else { return false }
            place -= 1
        }
        return false
    }
}
