package import Postgres

extension PostgresError {
    /// What those who run the gateway can do about the error; nil where its description says it.
    package var advice: String? {
        switch self {
        case .refused(let refusal): refusal.advice
        case .idledOut:
            "idle_session_timeout is shorter than a gateway can keep awake for; for its user: "
                + "'ALTER ROLE … SET idle_session_timeout = 0'"
        case .unreachable(let reason)
        where reason.contains("session is read-only") || reason.contains("hot standby"):
            "the gateway writes how it stands, and asks for a primary (target_session_attrs=read-write): name one in the URL; "
                + "where its user is made read-only, 'ALTER ROLE … RESET default_transaction_read_only'"
        case .misuse, .closed, .cancelled, .unreachable, .connectionLost, .timedOut: nil
        }
    }
}

extension PostgresRefusal {
    /// By SQLSTATE (PostgreSQL documentation, "PostgreSQL Error Codes"). 42501 is insufficient_privilege, which row security
    /// raises as well; only the server's function that raises it tells the two apart.
    fileprivate var advice: String? {
        switch sqlState {
        case "42501" where origin == "check_enable_rls":
            "row security would hide rows from the gateway, and a part of a table is never taken for all of it: "
                + "'ALTER TABLE … DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', or "
                + "'ALTER ROLE … BYPASSRLS' for its user and for the owner of the tables"
        case "42501":
            "the gateway's user lacks a privilege: GRANT poolgate_gateway TO it; if that role is new, as the owner of the "
                + "schema poolgate first run 'SELECT poolgate.grant_privileges()'"
        case "42P01", "42703", "42883", "3F000":
            "the schema is not the one that this program knows: run 'poolgate migrate' as its owner"
        default: nil
        }
    }
}
