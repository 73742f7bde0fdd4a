import ControlPlane
import JOSE

/// The migrations that this program carries.
enum Schema {
    /// Applies them to a database.
    static let migrator = Migrator(
        Migration.all.map { file in
            ControlPlane.Migration(
                version: file.version, name: file.name, sql: file.sql, checksum: checksum(file.sql))
        })

    /// What a migration records of itself in the database: the SHA-256, in hexadecimal, of its text between the marks
    /// `$migration$`.
    static func checksum(_ sql: String) -> String {
        let parts = sql.split(separator: "$migration$", omittingEmptySubsequences: false)
        let body = parts.count > 1 ? Array(parts[1].utf8) : []
        guard let digest = body.withUnsafeBytes({ TokenDigester().digest(of: $0) }) else { return "" }
        return withUnsafeBytes(of: digest.words) { bytes in
            bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        }
    }
}
