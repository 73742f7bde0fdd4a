import Gatekeeper
import HTTPMessage

/// Tells the fields of a client that may not reach an upstream, by the hash of their collapsed names that every head's fields carry.
struct ProtectedNames: Sendable {
    /// Open addressing by collapsed hash; empty slots hold no name.
    private let slots: [Slot]
    private let prefixes: [[UInt8]]
    private let mask: Int

    private struct Slot: Sendable {
        var hash: UInt32 = 0
        var name: [UInt8] = []
    }

    static let standard = ProtectedNames(names: ProtectedHeaders.names, prefixes: ProtectedHeaders.prefixes)

    /// Collapsed names, and collapsed beginnings of names.
    init(names: [String], prefixes: [String]) {
        var slots = [Slot](repeating: Slot(), count: 256)
        for name in names {
            let bytes = Array(name.utf8)
            let hash = CollapsedName.hash(bytes)
            var index = Int(hash) & 255
            while !slots[index].name.isEmpty { index = (index + 1) & 255 }
            slots[index] = Slot(hash: hash, name: bytes)
        }
        self.slots = slots
        self.mask = 255
        self.prefixes = prefixes.map { Array($0.utf8) }
    }

    /// Whether a field of this name is removed.
    func contains(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = UnsafeRawBufferPointer(rebasing: bytes[field.name.range])
        var index = Int(field.collapsedHash) & mask
        while !slots[index].name.isEmpty {
            if slots[index].hash == field.collapsedHash, CollapsedName.folds(name, to: slots[index].name) {
                return true
            }
            index = (index &+ 1) & mask
        }
        return hasPrefix(name)
    }

    private func hasPrefix(_ name: UnsafeRawBufferPointer) -> Bool {
        guard let first = name.first else { return false }
        // Every prefix begins with one of these.
        let initial = CollapsedName.fold(first)
        guard initial == UInt8(ascii: "x") || initial == UInt8(ascii: "c") || initial == UInt8(ascii: "o")
        else {
            return false
        }
        return prefixes.contains { prefix in
            name.count >= prefix.count
                && CollapsedName.folds(UnsafeRawBufferPointer(rebasing: name[..<prefix.count]), to: prefix)
        }
    }
}

extension HeadField {
    /// Whether a tenant's own list has the name.
    func isStripped(by stripped: StrippedNames, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !stripped.isEmpty, ASCII.lowered(bytes[name.range.lowerBound]) == UInt8(ascii: "x") else {
            return false
        }
        let name = UnsafeRawBufferPointer(rebasing: bytes[name.range])
        return stripped.contains(CollapsedName.folded(name, atMost: stripped.longestBytes + 1))
    }
}
