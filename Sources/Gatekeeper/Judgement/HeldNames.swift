/// Compares the groups or scopes that a token holds with those that a row or a rule asks for.
///
/// A few are compared one by one. Of many, that would take the product of two numbers which a tenant chooses, so that a
/// set is made of those that are held.
enum HeldNames {
    /// Whether one of `required` stands in `held`; nil asks for none.
    static func holdsAny(_ held: [[UInt8]], of required: [[UInt8]]?) -> Bool {
        guard let required else { return true }
        guard held.count * required.count > Limits.namesCompared else {
            return required.contains { held.contains($0) }
        }
        let held = Set(held)
        return required.contains { held.contains($0) }
    }

    /// Whether all of `required` stand in `held`.
    static func holdsAll(_ held: [[UInt8]], of required: [[UInt8]]) -> Bool {
        guard held.count * required.count > Limits.namesCompared else {
            return required.allSatisfy { held.contains($0) }
        }
        let held = Set(held)
        return required.allSatisfy { held.contains($0) }
    }
}
