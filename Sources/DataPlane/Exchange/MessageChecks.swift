import Gatekeeper
import HTTPMessage

/// What the gateway refuses of a message that is good HTTP: told from its head alone, before anybody's row is looked at.
enum MessageChecks {
    /// The refusal of a message with this head; nil where the judge is asked. `maxBodyBytes` is the gateway's bound for a
    /// body; nil is none.
    static func refusal(of head: borrowing RequestHead, maxBodyBytes: UInt64?) -> Refusal? {
        if let maxBodyBytes, case .length(let length) = head.framing, length > maxBodyBytes {
            return .request(.bodyTooLarge)
        }
        switch head.upgrade {
        case .none, .webSocket: return nil
        case .badWebSocket: return .request(.badWebSocket)
        case .otherWebSocketVersion: return .request(.webSocketVersion)
        }
    }
}
