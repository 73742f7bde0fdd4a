import Foundation
import Synchronization

/// Hands what happens to those who listen to `/events`, and keeps the latest refusals. At most `Limits.eventListeners`
/// listen, and none of them can delay another or the log.
///
/// A class, because the log's writer and the admin port share it; each step under its lock is short.
final class EventHub: Sendable {
    private struct State {
        var listeners: [ObjectIdentifier: EventListener] = [:]
        /// What the listeners were last told of the gateway.
        var summary: StateSummary?
        var isOver = false
    }

    /// The latest refusals, also those before anybody listened.
    let recent = RecentRefusals()
    private let state = Mutex(State())

    /// Whether anybody listens.
    var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    /// Whether one more may listen.
    var hasRoom: Bool { state.withLock { !$0.isOver && $0.listeners.count < Limits.eventListeners } }

    /// Takes refusals that happened just now.
    func take(_ refusals: [RefusalEvent]) {
        guard !refusals.isEmpty else { return }
        recent.append(refusals)
        let listeners = state.withLock { Array($0.listeners.values) }
        guard !listeners.isEmpty else { return }
        let messages = refusals.compactMap { refusal in
            EventHub.message("refusal", refusal).map { (tenant: refusal.tenant, message: $0) }
        }
        for listener in listeners {
            listener.append(
                messages.filter { listener.tenant == nil || $0.tenant == listener.tenant }.map(\.message))
        }
    }

    /// Tells the listeners how the gateway is, unless they were told the same last.
    func take(_ summary: StateSummary) {
        let listeners = state.withLock { state in
            guard state.summary?.isSame(as: summary) != true else { return [EventListener]() }
            state.summary = summary
            return Array(state.listeners.values)
        }
        guard !listeners.isEmpty, let message = EventHub.message("state", summary) else { return }
        for listener in listeners { listener.append([message]) }
    }

    /// Begins to listen, to one tenant's refusals or to all; nil where too many listen already, or where the gateway ends.
    /// The listener first hears how the gateway is, then the latest refusals, `last` at most.
    func listen(to tenant: String?, last: Int, summary: StateSummary) -> EventListener? {
        let listener = EventListener(tenant: tenant)
        let recent = last > 0 ? self.recent.latest(last, tenant: tenant) : []
        listener.append([EventHub.message("state", summary)].compactMap { $0 })
        listener.append(recent.compactMap { EventHub.message("refusal", $0) })
        return state.withLock { state in
            guard !state.isOver, state.listeners.count < Limits.eventListeners else { return nil }
            state.summary = summary
            state.listeners[ObjectIdentifier(listener)] = listener
            return listener
        }
    }

    /// The listener is gone.
    func leave(_ listener: EventListener) {
        state.withLock { $0.listeners[ObjectIdentifier(listener)] = nil }
    }

    /// Ends every stream, since the gateway ends.
    func end() {
        let listeners = state.withLock { state in
            state.isOver = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.end() }
    }

    private static func message(_ event: String, _ data: some Encodable) -> EventListener.Message? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // JSON escapes line ends, so the data is one line, as server-sent events want it.
        guard let data = try? encoder.encode(data) else { return nil }
        return EventListener.Message(event: event, data: Array(data))
    }
}
