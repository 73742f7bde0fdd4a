import JOSE

/// Reads a host's rules as the database prints them: a JSON array of the rows of `poolgate.rules`.
enum RuleParser {
    /// Throws the sentence that says what is wrong with them: a tenant is never served with a part of its rules.
    static func rules(_ text: String) throws(RowFlaw) -> RuleSet {
        guard let rows = (try? JSONValue(parsing: Array(text.utf8), maximumBytes: Limits.rulesBytes))?.array
        else { throw RowFlaw("the host's rules are no JSON array") }
        guard rows.count <= Limits.rulesPerTenant else {
            throw RowFlaw("the host has \(rows.count) rules, at most \(Limits.rulesPerTenant) are served")
        }
        var rules: [Rule] = []
        for row in rows {
            guard let row = row.object else { throw RowFlaw("a rule is no JSON object") }
            rules.append(try rule(row))
        }
        return RuleSet(rules)
    }

    private static func rule(_ row: JSONObject) throws(RowFlaw) -> Rule {
        let id = row["id"]?.numberText.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        guard let id, let prefix = row["path_prefix"]?.string, prefix.first == ASCII.slash,
            prefix.count == 1 || prefix.last != ASCII.slash,
            prefix.withUnsafeBytes({ RequestPath($0) == .plain })
        else { throw RowFlaw("a rule has no path_prefix in its normal form") }
        let word = row["access"]?.string.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let access = Rule.Access(rawValue: word) else {
            throw RowFlaw("rule \(id) has access '\(word)', which this gateway does not know")
        }
        let known: Set<String> = [
            "id", "path_prefix", "methods", "access", "required_groups", "every_group", "required_scopes",
            "every_scope", "required_claims", "shadow", "changed",
        ]
        if let other = row.members.first(where: { !known.contains(String(decoding: $0.name, as: UTF8.self)) })
        {
            throw RowFlaw(
                "rule \(id) says '\(String(decoding: other.name, as: UTF8.self))', which this gateway does not know"
            )
        }
        return Rule(
            id: id, prefix: prefix, methods: try list(row, "methods", id), access: access,
            requiredGroups: try list(row, "required_groups", id),
            everyGroup: try list(row, "every_group", id) ?? [],
            requiredScopes: try list(row, "required_scopes", id),
            everyScope: try list(row, "every_scope", id) ?? [], claims: try claims(row, id),
            isShadow: row["shadow"]?.bool ?? false)
    }

    private static func list(
        _ row: JSONObject, _ name: StaticString, _ id: Int64
    ) throws(RowFlaw) -> [[UInt8]]? {
        guard let value = row[name] else { return nil }
        guard let elements = value.array, !elements.isEmpty else {
            throw RowFlaw("rule \(id): \(name) is no list with elements")
        }
        let texts = elements.compactMap(\.string).filter { !$0.isEmpty }
        guard texts.count == elements.count else {
            throw RowFlaw("rule \(id): \(name) holds what is no text")
        }
        return texts
    }

    private static func claims(_ row: JSONObject, _ id: Int64) throws(RowFlaw) -> [ClaimCondition] {
        guard let value = row["required_claims"] else { return [] }
        guard let object = value.object, object.count > 0 else {
            throw RowFlaw("rule \(id): required_claims is no object with members")
        }
        var conditions: [ClaimCondition] = []
        for (name, wanted) in object.members {
            let all = wanted.object.flatMap { $0.count == 1 ? $0["all"] : nil }
            let values = (all ?? wanted).array ?? (all == nil ? [wanted] : [])
            let scalars = values.compactMap(ClaimScalar.init)
            guard let claim = ClaimPath(name), !scalars.isEmpty, scalars.count == values.count else {
                throw RowFlaw(
                    "rule \(id): required_claims asks of '\(String(decoding: name, as: UTF8.self))' for no values"
                )
            }
            conditions.append(ClaimCondition(claim: claim, values: scalars, needsAll: all != nil))
        }
        return conditions
    }
}
