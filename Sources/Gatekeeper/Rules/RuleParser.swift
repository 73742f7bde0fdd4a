import HTTPMessage
import JOSE

/// Reads a host's rules as the database prints them: a JSON array of the rows of `poolgate.rules`.
enum RuleParser {
    /// Reads all rules of a host. Throws the sentence that says what is wrong with one of them, because a tenant is never
    /// served with a part of its rules.
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
        if let flaw = contradiction(in: rules) { throw flaw }
        return RuleSet(rules)
    }

    /// What is wrong where two rules are for the same prefix, however it is spelled, and the same method.
    private static func contradiction(in rules: [Rule]) -> RowFlaw? {
        for group in Dictionary(grouping: rules, by: \.prefix).values where group.count > 1 {
            for (index, one) in group.enumerated() {
                guard let other = group[..<index].first(where: { $0.isForSame(as: one) }) else { continue }
                let methods = other.methods == nil ? "every other method" : other.methodsText
                return RowFlaw(
                    "rule \(other.id) is for \(methods) of \(RowFlaw.shown(other.written)) already")
            }
        }
        return nil
    }

    private static func rule(_ row: JSONObject) throws(RowFlaw) -> Rule {
        let id = row["id"]?.numberText.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        guard let id, let written = row["path_prefix"]?.string, let prefix = decoded(written) else {
            throw RowFlaw("a rule has no path_prefix in its normal form")
        }
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
            id: id, written: written, prefix: prefix, methods: try methods(row, id), access: access,
            requiredGroups: try list(row, "required_groups", id),
            everyGroup: try list(row, "every_group", id) ?? [],
            requiredScopes: try list(row, "required_scopes", id),
            everyScope: try list(row, "every_scope", id) ?? [], claims: try claims(row, id),
            isShadow: row["shadow"]?.bool ?? false)
    }

    /// The prefix wholly decoded; nil where the row does not write it in its normal form.
    private static func decoded(_ prefix: [UInt8]) -> [UInt8]? {
        guard prefix.first == ASCII.slash, prefix.count == 1 || prefix.last != ASCII.slash else { return nil }
        switch prefix.withUnsafeBytes({ RequestPath($0) }) {
        case .plain: return prefix
        case .decoded(let path): return path.normal == prefix ? path.bytes : nil
        case .flaw: return nil
        }
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

    /// The methods that a rule may name: those of IANA's registry, and some in wide use that it lacks. The same list
    /// stands in the database's function `poolgate.methods_flaw`.
    private static let methods = Set(
        """
        GET HEAD POST PUT PATCH DELETE OPTIONS ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK MERGE \
        MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH QUERY REBIND REPORT \
        SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL PURGE BAN NOTIFY SUBSCRIBE \
        UNSUBSCRIBE M-SEARCH SOURCE VIEW POLL BCOPY BDELETE BMOVE BPROPFIND BPROPPATCH X-MS-ENUMATTS RPC_IN_DATA \
        RPC_OUT_DATA
        """.utf8.split(separator: ASCII.space).map(Array.init))

    /// The rule's methods. A misspelled one throws, since the method that was meant would be left to other rules.
    private static func methods(_ row: JSONObject, _ id: Int64) throws(RowFlaw) -> [[UInt8]]? {
        let found = try list(row, "methods", id)
        for method in found ?? [] where !methods.contains(method) {
            let reason =
                if method.contains(where: ASCII.isLower) {
                    "which has lower-case letters"
                } else if ["CONNECT", "TRACE", "PRI"].contains(where: { method.elementsEqual($0.utf8) }) {
                    "which the gateway never serves"
                } else {
                    "which is no method of HTTP"
                }
            throw RowFlaw("methods contains \(RowFlaw.shown(method)), \(reason)")
        }
        return found
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
            guard let claim = ClaimPath(name) else {
                throw RowFlaw("required_claims names \(RowFlaw.shown(name)), which is no JSON pointer")
            }
            guard !scalars.isEmpty, scalars.count == values.count else {
                throw RowFlaw(
                    "rule \(id): required_claims asks of '\(String(decoding: name, as: UTF8.self))' for no values"
                )
            }
            if claim.isCustomAttribute, let other = scalars.first(where: { !$0.isText }) {
                throw RowFlaw(
                    "required_claims compares \(RowFlaw.shown(name)) with a \(other.kind): a custom:* claim compares with strings only, since Cognito writes strings"
                )
            }
            conditions.append(
                ClaimCondition(
                    claim: claim, values: claim.isVerification ? scalars.map(\.asFlag) : scalars,
                    needsAll: all != nil))
        }
        return conditions
    }
}
