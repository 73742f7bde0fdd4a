import ControlPlane
import Gatekeeper
import JOSE

/// What the folder of signing keys holds, for commands.
struct SigningKeyReport {
    /// One file, as it is printed.
    struct Key: Encodable {
        let file: String
        /// Nil where it gives no key.
        var kid: String?
        /// `signs`, `published` or `unusable`.
        let state: String
        /// From when on it may sign.
        var signsFrom: String?
        /// Why it gives no key.
        var error: String?

        enum CodingKeys: String, CodingKey {
            case file, kid, state, error
            case signsFrom = "signs_from"
        }
    }

    /// The files in the order of their names.
    let keys: [Key]
    private let now: Instant
    private let ripeAt: [String: Instant]

    /// Reads the folder.
    init(folder: String, delaySeconds: Int64, at now: Instant) throws(SigningKeyFlaw) {
        let files = try SigningKeyFolder(folder).files()
        var choice = SigningKeyChoice(delaySeconds: delaySeconds)
        let outcome = choice.take(files, at: now)
        self.now = now
        ripeAt = outcome.ripeAt
        keys = files.map { file in
            switch file.key {
            case .success(let key):
                Key(
                    file: file.name, kid: key.keyID,
                    state: key.keyID == outcome.signing?.keyID ? "signs" : "published",
                    signsFrom: outcome.ripeAt[key.keyID]?.timestampOfSecond)
            case .failure(let flaw): Key(file: file.name, state: "unusable", error: flaw.description)
            }
        }
    }

    /// Whether every file gives a key, and one of them signs.
    var isGood: Bool {
        keys.contains { $0.state == "signs" } && keys.allSatisfy { $0.error == nil }
    }

    /// The same for people.
    var table: TextTable {
        TextTable(
            ["FILE", "STATE", "KID", "MAY SIGN FROM"],
            rows: keys.map { key in
                let from = key.kid.flatMap { ripeAt[$0] }.map { PersonTime($0, now: now).description }
                return [key.file, key.state, key.kid ?? "-", from ?? key.error ?? "-"]
            })
    }
}
