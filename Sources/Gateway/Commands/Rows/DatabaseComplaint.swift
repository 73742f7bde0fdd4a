import ArgumentParser
import ControlPlane
import Postgres

/// What a command says where the database refuses or cannot be reached. The database's own sentences are shown as they are.
enum DatabaseComplaint {
    /// Prints what is wrong; returns the exit status.
    static func tell(_ error: PostgresError) -> ExitCode {
        switch error {
        case .refused(let refusal):
            Output.complaint(sentences(refusal).joined(separator: "\n"))
            return .failure
        case .unreachable, .connectionLost, .idledOut, .timedOut:
            Output.complaint(ShownText.line(error.description) + (error.advice.map { "; \($0)" } ?? ""))
            return .unavailable
        case .misuse, .closed, .cancelled:
            Output.complaint(ShownText.line(error.description))
            return .failure
        }
    }

    /// What the server says: its sentence, and what it or we add to that.
    static func sentences(_ refusal: PostgresRefusal) -> [String] {
        let hint = refusal.hint ?? advice(refusal)
        return [ShownText.line(refusal.message)]
            + [refusal.detail.map { "DETAIL: \($0)" }, hint.map { "HINT: \($0)" }].compactMap { $0 }
            .map(ShownText.line)
    }

    /// Prints what the server remarked without refusing.
    static func remark(_ notice: PostgresNotice) {
        let lines = [notice.description, notice.hint.map { "HINT: \($0)" }].compactMap { $0 }
        Output.complaint(lines.map(ShownText.line).joined(separator: "\n"))
    }

    /// By SQLSTATE (PostgreSQL documentation, "PostgreSQL Error Codes").
    private static func advice(_ refusal: PostgresRefusal) -> String? {
        switch refusal.sqlState {
        case "42501":
            "Give the URL of a user who may write tenants (GRANT poolgate_admin TO it), not the gateway's own."
        case "42P01", "42703", "42883", "3F000":
            "The schema is not the one that this program knows: run 'poolgate migrate' as its owner."
        default: nil
        }
    }
}
