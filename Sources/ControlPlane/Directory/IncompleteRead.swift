import Postgres

extension PostgresError {
    /// A read of `what` brought `seen` rows, where the same transaction had counted `count`.
    static func incompleteRead(_ what: String, _ seen: Int64, _ count: Int64?) -> PostgresError {
        .misuse(
            "a read of \(what) brought \(seen) rows where there are \(count.map(String.init) ?? "an unknown number"), "
                + "or one of them twice; nothing was taken from it")
    }
}
