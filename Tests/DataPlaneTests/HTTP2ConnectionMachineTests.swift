import Testing

@testable import DataPlane

/// Every event of an HTTP/2 client's connection in every state; in a state that the table does not list, the event
/// changes nothing.
@Suite struct HTTP2ConnectionMachineTests {
    enum Stand: String, CaseIterable {
        case idle, serving, leaving, flushing, closed
    }

    enum Event: String, CaseIterable {
        case streamOpened, lastStreamEnded, lastStreamEndedBehindFIN, inputEnded, leave, noticeEnds, aTick
        case theLastTick, headOverdue, stuck, saidGoodbye, close
    }

    static let start: UInt32 = 1_000

    static func machine(_ stand: Stand) -> HTTP2ConnectionMachine {
        var machine = HTTP2ConnectionMachine(until: start + 10)
        switch stand {
        case .idle: break
        case .serving: machine.streamOpened()
        case .leaving:
            machine.streamOpened()
            _ = machine.leave(at: start - Limits.noticeTicks)
            _ = machine.ticked(at: start)
        case .flushing: _ = machine.saidGoodbye(at: start)
        case .closed: _ = machine.close()
        }
        return machine
    }

    static func happen(_ event: Event, _ machine: inout HTTP2ConnectionMachine) -> String {
        switch event {
        case .streamOpened: text(machine.streamOpened())
        case .lastStreamEnded: "\(machine.lastStreamEnded(idleUntil: start + 20))"
        case .lastStreamEndedBehindFIN:
            {
                let first = machine.inputEnded()
                return first == .none ? "\(machine.lastStreamEnded(idleUntil: start + 20))" : "\(first)"
            }()
        case .inputEnded: "\(machine.inputEnded())"
        case .leave: "\(machine.leave(at: start))"
        case .noticeEnds:
            {
                _ = machine.leave(at: start - Limits.noticeTicks)
                return "\(machine.ticked(at: start))"
            }()
        case .aTick: "\(machine.ticked(at: start + 1))"
        case .theLastTick: "\(machine.ticked(at: start + 100_000))"
        case .headOverdue:
            {
                machine.head(isUnderWay: true, until: start + 1)
                return "\(machine.ticked(at: start + 1))"
            }()
        case .stuck:
            {
                machine.sending(isStuck: true, hasProgressed: false, at: start - Limits.bodyIdleTicks)
                return "\(machine.ticked(at: start))"
            }()
        case .saidGoodbye: machine.saidGoodbye(at: start) ? "yes" : "none"
        case .close: machine.close() ? "yes" : "none"
        }
    }

    private static func text(_ nothing: Void) -> String { "none" }

    static func stand(_ machine: HTTP2ConnectionMachine) -> Stand {
        switch machine.state {
        case .idle: .idle
        case .serving: .serving
        case .leaving: .leaving
        case .flushing: .flushing
        case .closed: .closed
        }
    }

    static let table: [Event: [Stand: String]] = [
        .streamOpened: [.idle: "none > serving"],
        .lastStreamEnded: [.serving: "none > idle", .leaving: "sayGoodbye"],
        .lastStreamEndedBehindFIN: [
            .idle: "sayGoodbye", .serving: "sayGoodbye", .leaving: "sayGoodbye",
        ],
        .inputEnded: [.idle: "sayGoodbye"],
        .leave: [.idle: "giveNotice", .serving: "giveNotice"],
        .noticeEnds: [.idle: "sayGoodbye", .serving: "goAway > leaving"],
        .aTick: [:],
        .theLastTick: [.idle: "sayGoodbye", .flushing: "close"],
        .headOverdue: [
            .idle: "sayGoodbye", .serving: "sayGoodbye", .leaving: "sayGoodbye", .flushing: "sayGoodbye",
        ],
        .stuck: [.idle: "close", .serving: "close", .leaving: "close", .flushing: "close"],
        .saidGoodbye: [.idle: "yes > flushing", .serving: "yes > flushing", .leaving: "yes > flushing"],
        .close: Dictionary(
            uniqueKeysWithValues: Stand.allCases.filter { $0 != .closed }.map { ($0, "yes > closed") }),
    ]

    @Test("An event does in each state what the table says", arguments: Event.allCases)
    func events(event: Event) {
        for stand in Stand.allCases {
            var machine = Self.machine(stand)
            #expect(Self.stand(machine) == stand)
            let answer = Self.happen(event, &machine)
            let parts = (Self.table[event]?[stand] ?? "none").split(separator: " > ").map(String.init)
            #expect(answer == parts[0], "\(event) in \(stand)")
            let next = parts.count > 1 ? Stand(rawValue: parts[1]) : stand
            #expect(Self.stand(machine) == next, "\(event) in \(stand)")
        }
    }

    @Test("A client that takes something now and then is not given up")
    func slowReader() {
        var machine = Self.machine(.serving)
        for round in 0..<10 {
            let tick = Self.start + UInt32(round) * (Limits.bodyIdleTicks - 1)
            machine.sending(isStuck: true, hasProgressed: true, at: tick)
            #expect(machine.ticked(at: tick + Limits.bodyIdleTicks - 1) == .none)
        }
    }
}
