import DataPlane
import Gatekeeper

/// One refusal as people are told of it: an entry of `RecentRefusals`, and the data of an event `refusal` of `/events`.
///
/// It holds no query, no header and no byte of a token. What came from outside is text that may hold anything, so whoever
/// shows it escapes it.
struct RefusalEvent: Codable, Sendable, Equatable {
    /// In the form of RFC 3339.
    let time: String
    /// The row's host; absent where no row was found.
    var tenant: String?
    /// As in the table of refusals, such as `expired`.
    let code: String
    /// The HTTP status that the client got; absent in an event that stands for several refusals.
    var status: Int?
    var detail: String?
    /// The surface on which another proxy asked; absent where the request itself came.
    var surface: String?
    /// The request's host as it came.
    var host: String?
    var method: String?
    /// The path without its query.
    var path: String?
    /// The client's address.
    var client: String?
    /// Whom the token names, as `sub`; absent where the token could not be read.
    var subject: String?
    /// The id of the rule that decided.
    var rule: Int64?
    /// As in the response and in the log.
    var requestID: String?
    /// Above 0, the event stands for so many refusals of this tenant and code within a second, which have no event of their
    /// own; then nothing else is known of them.
    var suppressed = 0

    enum CodingKeys: String, CodingKey {
        case time, tenant, code, status, detail, surface, host, method, path, client, subject, rule
        case requestID = "request_id"
        case suppressed
    }
}

extension RefusalEvent {
    /// The event of a record; nil for a request that was not refused, and for a rule in shadow, which refuses nothing.
    init?(_ record: RequestRecord) {
        guard let refusal = record.refusal else { return nil }
        if case .shadowRule = record.detail { return nil }
        self.init(
            time: record.time.timestamp, tenant: record.tenant?.description, code: refusal.row.code,
            status: record.status, detail: record.detailText, surface: record.form?.surface,
            host: RefusalEvent.text(record.text.host),
            method: RefusalEvent.text(record.text.method), path: RefusalEvent.text(record.text.path),
            client: record.clientText, subject: RefusalEvent.text(record.subject), rule: record.rule,
            requestID: record.requestID.description)
    }

    /// The event that stands for refusals which were only counted.
    init(_ suppressed: RefusalThrottle.Suppressed, at time: Instant) {
        self.init(
            time: time.timestamp, tenant: suppressed.kind.tenant?.description, code: suppressed.kind.code,
            suppressed: suppressed.count)
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String? {
        bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
