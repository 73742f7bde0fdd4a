import Gatekeeper
import Testing

@testable import DataPlane

/// Every event in every state, as values: what follows, and where the exchange stands then.
///
/// The table lists what an event does; in each state that it does not list, the event changes nothing.
@Suite struct ExchangeMachineTests {
    /// A state that events are tried in, with what the request is like.
    enum Stand: String, CaseIterable {
        case judging, awaitingBatch, awaitingTurn, awaitingKey, routing, queued, connecting
        /// The body is on its way.
        case sending
        /// The request is whole, and no response has begun.
        case sent
        case responding, tunnelling, closing, ended
        /// A response has begun, and the body is still on its way.
        case respondingEarly
        /// A WebSocket whose upstream has ended its side.
        case tunnellingOneWay
    }

    /// An event, with the arguments that matter.
    enum Event: String, CaseIterable {
        case admitted, admittedAtACost, refusedByTheJudge, keyLacking, turnLacking
        case batchEnded, turnCame, keyCame, keyCameForAnEarlierWait, refusedByABound
        case joinedLine, connectionBegun, connected, connectFailed
        case aTick, theLastTick
        case clientEnded, clientLost
        case bodyPassed, lastOfBodyPassed
        case interimCame, responseBegan, responseEnded, responseBroke, responseUnusable
        case reusedConnectionLost, freshConnectionLost, connectionLostAfterABit
        case progressed, switched, tunnelUpstreamEnded, tunnelUpstreamLost, tunnelToClose, tunnelAtBoundary
    }

    static let start: UInt32 = 1_000
    static let clocks = ExchangeMachine.Clocks(verification: 40, upstreamLine: 20)

    /// A machine that stands so; requests have a body only where it is being sent.
    static func machine(_ stand: Stand, isQuestion: Bool = false) -> ExchangeMachine {
        var machine = ExchangeMachine(clocks: clocks)
        let hasBody = stand == .sending || stand == .respondingEarly
        machine.begin(
            .init(hasBody: hasBody, isIdempotent: true, isQuestion: isQuestion), isClientEnded: false)
        switch stand {
        case .judging: break
        case .awaitingBatch: _ = machine.judged(.admitted, isCostly: true, at: start)
        case .awaitingTurn: _ = machine.judged(.lacksTurn, isCostly: false, at: start)
        case .awaitingKey: _ = machine.judged(.lacksKey, isCostly: false, at: start)
        case .routing: _ = machine.judged(.admitted, isCostly: false, at: start)
        case .queued:
            _ = machine.judged(.admitted, isCostly: false, at: start)
            _ = machine.joinedLine(at: start)
        case .connecting:
            _ = machine.judged(.admitted, isCostly: false, at: start)
            _ = machine.connectionBegun(at: start)
        case .sending, .sent, .responding, .tunnelling, .closing, .respondingEarly, .tunnellingOneWay:
            _ = machine.judged(.admitted, isCostly: false, at: start)
            _ = machine.connected(isRestAtHand: true, at: start)
            if stand == .responding || stand == .respondingEarly { _ = machine.responseBegan() }
            if [.tunnelling, .closing, .tunnellingOneWay].contains(stand) { _ = machine.switched() }
            if stand == .tunnellingOneWay { _ = machine.tunnelUpstreamEnded() }
            if stand == .closing { _ = machine.closeTunnel(.policyViolation, at: start) }
        case .ended: machine.clientLost()
        }
        return machine
    }

    /// Has the event happen; what it answered, as text.
    static func happen(_ event: Event, _ machine: inout ExchangeMachine) -> String {
        switch event {
        case .admitted: text(machine.judged(.admitted, isCostly: false, at: start))
        case .admittedAtACost: text(machine.judged(.admitted, isCostly: true, at: start))
        case .refusedByTheJudge:
            text(machine.judged(.refused(.token(.expired), nil), isCostly: false, at: start))
        case .keyLacking: text(machine.judged(.lacksKey, isCostly: false, at: start))
        case .turnLacking: text(machine.judged(.lacksTurn, isCostly: false, at: start))
        case .batchEnded: text(machine.batchEnded(.admitted, at: start))
        case .turnCame: text(machine.turnCame())
        case .keyCame: text(machine.keyCame(1))
        case .keyCameForAnEarlierWait: text(machine.keyCame(0))
        case .refusedByABound: text(machine.refused(.request(.bodyTooLarge), nil))
        case .joinedLine: machine.joinedLine(at: start) > 0 ? "-" : "no ticket"
        case .connectionBegun: machine.connectionBegun(at: start) > 0 ? "-" : "no ticket"
        case .connected: "\(machine.connected(isRestAtHand: true, at: start))"
        case .connectFailed: text(machine.connectFailed(.refused))
        case .aTick: text(machine.ticked(at: start + 1))
        case .theLastTick: text(machine.ticked(at: start + 100_000))
        case .clientEnded: text(machine.clientEnded())
        case .clientLost: text(machine.clientLost())
        case .bodyPassed: text(machine.bodyPassed(isLast: false, at: start))
        case .lastOfBodyPassed: text(machine.bodyPassed(isLast: true, at: start))
        case .interimCame: text(machine.interimCame(at: start))
        case .responseBegan: text(machine.responseBegan())
        case .responseEnded: text(machine.responseEnded())
        case .responseBroke: text(machine.responseBroke())
        case .responseUnusable: text(machine.responseUnusable(.interimResponses))
        case .reusedConnectionLost: text(machine.connectionLost(.wasReused))
        case .freshConnectionLost: text(machine.connectionLost(.wasFresh))
        case .connectionLostAfterABit: text(machine.connectionLost(.saidSomething))
        case .progressed: text(machine.progressed(at: start))
        case .switched: text(machine.switched())
        case .tunnelUpstreamEnded: text(machine.tunnelUpstreamEnded())
        case .tunnelUpstreamLost: text(machine.tunnelUpstreamLost())
        case .tunnelToClose: text(machine.closeTunnel(.goingAway, at: start))
        case .tunnelAtBoundary: text(machine.tunnelAtBoundary())
        }
    }

    private static func text(_ action: ExchangeAction) -> String {
        switch action {
        case .none: "-"
        case .refuse(let refusal, let detail, let blames):
            "refuse \(refusal.row.code)" + (detail?.text.map { " \($0)" } ?? "") + (blames ? ", blames" : "")
        case .breakOff(let refusal, _, let blames):
            "breakOff" + (refusal.map { " \($0.row.code)" } ?? "") + (blames ? ", blames" : "")
        case .sayClose(let code): "sayClose \(code?.rawValue ?? 0)"
        case .move(let fault): "move \(fault.rawValue)"
        case .awaitBatch, .lineUp, .askForKey, .findConnection, .answer, .retry, .finish, .endUpstreamOutput,
            .endClientOutput, .closeClient, .closeClientWhenSent, .endTunnel, .reset:
            "\(action)"
        }
    }

    @Test("A question ends at its judgement, at once or after a wait, and no upstream is looked for")
    func questions() {
        for stand in [Stand.judging, .awaitingBatch, .awaitingTurn, .awaitingKey] {
            var machine = Self.machine(stand, isQuestion: true)
            _ = machine.turnCame()
            _ = machine.keyCame(1)
            let action =
                stand == .awaitingBatch
                ? machine.batchEnded(.admitted, at: Self.start)
                : machine.judged(.admitted, isCostly: false, at: Self.start)
            #expect(action == .answer)
            #expect(machine.state == .ended)
            #expect(machine.ticked(at: Self.start + 100_000) == .none)
        }
        var refused = Self.machine(.judging, isQuestion: true)
        #expect(
            refused.judged(.refused(.token(.expired), nil), isCostly: false, at: Self.start)
                == .refuse(.token(.expired), nil, blamesUpstream: false))
    }

    private static func text(_ answer: Bool) -> String { answer ? "yes" : "-" }
    private static func text(_ nothing: Void) -> String { "-" }

    /// What the events do: "answer > where it stands then"; without `>` it stands where it stood.
    static let table: [Event: [Stand: String]] = [
        .admitted: [.judging: "findConnection > routing"],
        .admittedAtACost: [.judging: "awaitBatch > awaitingBatch"],
        .refusedByTheJudge: [.judging: "refuse expired > ended"],
        .keyLacking: [.judging: "askForKey(ticket: 1) > awaitingKey"],
        .turnLacking: [.judging: "lineUp > awaitingTurn"],
        .batchEnded: [.awaitingBatch: "findConnection > routing"],
        .turnCame: [.awaitingTurn: "yes > judging"],
        .keyCame: [.awaitingKey: "yes > judging"],
        .keyCameForAnEarlierWait: [:],
        .refusedByABound: refusedByABound,
        .joinedLine: [.routing: "- > queued", .queued: "- > queued", .connecting: "- > queued"],
        .connectionBegun: [
            .routing: "- > connecting", .queued: "- > connecting", .connecting: "- > connecting",
        ],
        .connected: connected,
        .connectFailed: [.connecting: "move upstream_refused > routing"],
        .aTick: [:],
        .theLastTick: [
            .awaitingBatch: "refuse overloaded verification > ended",
            .awaitingTurn: "refuse overloaded verification > ended",
            .awaitingKey: "refuse keys_unavailable no_answer > ended",
            .queued: "refuse overloaded upstream_connections > ended",
            .connecting: "refuse upstream_connect_timeout > ended",
            .sending: "breakOff > ended", .sent: "refuse upstream_timeout, blames > ended",
            .responding: "breakOff > ended", .respondingEarly: "breakOff > ended", .closing: "reset > ended",
        ],
        .clientEnded: [
            .sending: "breakOff > ended", .respondingEarly: "breakOff > ended",
            .tunnelling: "endUpstreamOutput", .closing: "endUpstreamOutput",
            .tunnellingOneWay: "closeClient > ended",
        ],
        .clientLost: Dictionary(uniqueKeysWithValues: Stand.allCases.map { ($0, "- > ended") }),
        .bodyPassed: [:],
        .lastOfBodyPassed: [.sending: "- > sent", .respondingEarly: "- > responding"],
        .interimCame: [.sending: "yes", .sent: "yes"],
        .responseBegan: [.sending: "yes > respondingEarly", .sent: "yes > responding"],
        .responseEnded: [
            .sending: "finish > ended", .sent: "finish > ended", .responding: "finish > ended",
            .respondingEarly: "finish > ended",
        ],
        .responseBroke: [
            .sending: "breakOff upstream_reset > ended", .sent: "breakOff upstream_reset > ended",
            .responding: "breakOff upstream_reset > ended",
            .respondingEarly: "breakOff upstream_reset > ended",
        ],
        .responseUnusable: [
            .sending: "refuse upstream_bad_answer interim_answer, blames > ended",
            .sent: "refuse upstream_bad_answer interim_answer, blames > ended",
            .responding: "breakOff upstream_bad_answer, blames > ended",
            .respondingEarly: "breakOff upstream_bad_answer, blames > ended",
        ],
        .reusedConnectionLost: [
            .sending: "refuse upstream_reset, blames > ended", .sent: "retry > routing",
        ],
        .freshConnectionLost: [
            .sending: "refuse upstream_reset, blames > ended", .sent: "refuse upstream_reset, blames > ended",
        ],
        .connectionLostAfterABit: [
            .sending: "refuse upstream_reset, blames > ended", .sent: "refuse upstream_reset, blames > ended",
        ],
        .progressed: [:],
        .switched: [.sending: "yes > tunnelling", .sent: "yes > tunnelling"],
        .tunnelUpstreamEnded: [
            .tunnelling: "endClientOutput > tunnellingOneWay", .closing: "endClientOutput",
            .tunnellingOneWay: "endClientOutput",
        ],
        .tunnelUpstreamLost: [
            .tunnelling: "closeClientWhenSent > ended", .closing: "closeClientWhenSent > ended",
            .tunnellingOneWay: "closeClientWhenSent > ended",
        ],
        .tunnelToClose: [.tunnelling: "endTunnel > closing", .tunnellingOneWay: "endTunnel > closing"],
        .tunnelAtBoundary: [.closing: "sayClose 1008 > ended"],
    ]

    private static var refusedByABound: [Stand: String] {
        var row: [Stand: String] = [.ended: "-"]
        for stand in [
            Stand.judging, .awaitingBatch, .awaitingTurn, .awaitingKey, .routing, .queued, .connecting,
            .sending,
            .sent,
        ] { row[stand] = "refuse body_too_large > ended" }
        for stand in [Stand.responding, .respondingEarly, .tunnelling, .closing, .tunnellingOneWay] {
            row[stand] = "breakOff > ended"
        }
        return row
    }

    /// Whoever wants none gives the connection back.
    private static var connected: [Stand: String] {
        var row = Dictionary(uniqueKeysWithValues: Stand.allCases.map { ($0, "park") })
        for stand in [Stand.routing, .queued, .connecting] { row[stand] = "start > sent" }
        return row
    }

    /// Where a machine stands.
    static func stand(_ machine: borrowing ExchangeMachine) -> Stand {
        switch machine.state {
        case .judging: .judging
        case .awaitingBatch: .awaitingBatch
        case .awaitingTurn: .awaitingTurn
        case .awaitingKey: .awaitingKey
        case .routing: .routing
        case .queued: .queued
        case .connecting: .connecting
        case .transferring(let transfer):
            switch (transfer.isResponseBegun, transfer.isRequestComplete) {
            case (true, true): .responding
            case (true, false): .respondingEarly
            case (false, true): .sent
            case (false, false): .sending
            }
        case .tunnelling(let tunnel):
            tunnel.closing != nil ? .closing : tunnel.isUpstreamEnded ? .tunnellingOneWay : .tunnelling
        case .ended: .ended
        }
    }

    @Test("An event does in each state what the table says", arguments: Event.allCases) func events(
        event: Event
    ) {
        for stand in Stand.allCases {
            var machine = Self.machine(stand)
            let before = Self.stand(machine)
            #expect(before == stand)
            let answer = Self.happen(event, &machine)
            let expected = Self.table[event]?[stand] ?? "-"
            let parts = expected.split(separator: " > ", maxSplits: 1).map(String.init)
            #expect(answer == parts[0], "\(event) in \(stand)")
            let next = parts.count > 1 ? Stand(rawValue: parts[1]) : stand
            let after = Self.stand(machine)
            #expect(after == next, "\(event) in \(stand)")
        }
    }

    @Test("The table has a row for each event")
    func everyEvent() {
        #expect(Set(Self.table.keys) == Set(Event.allCases))
    }
}
