import Testing

@testable import DataPlane

/// Every event of an HTTP/1 client's connection in every state; in a state that the table does not list, the event
/// changes nothing.
@Suite struct HTTP1ConnectionMachineTests {
    enum Stand: String, CaseIterable {
        case reading, heldBack, serving, flushingToClose, flushingToLinger, lingering, handedOver, closed
    }

    enum Event: String, CaseIterable {
        case headBegan, headCame, served, servedToBeHeldBack, letGo, inputEnded, leave, flushed, dropped
        case droppedTooMuch, aTick, theLastTick, drain, handOver, close
    }

    static let start: UInt32 = 1_000

    static func machine(_ stand: Stand) -> HTTP1ConnectionMachine {
        var machine = HTTP1ConnectionMachine(until: start + 10)
        switch stand {
        case .reading: break
        case .heldBack:
            machine.headCame()
            machine.served(until: start + 10, isHeldBack: true)
        case .serving: machine.headCame()
        case .flushingToClose: _ = machine.leave(.close, at: start)
        case .flushingToLinger: _ = machine.leave(.linger, at: start)
        case .lingering:
            _ = machine.leave(.linger, at: start)
            _ = machine.flushed(at: start)
        case .handedOver: _ = machine.handOver()
        case .closed: _ = machine.close()
        }
        return machine
    }

    static func happen(_ event: Event, _ machine: inout HTTP1ConnectionMachine) -> String {
        switch event {
        case .headBegan: text(machine.headBegan(until: start + 20))
        case .headCame: text(machine.headCame())
        case .served: text(machine.served(until: start + 20, isHeldBack: false))
        case .servedToBeHeldBack: text(machine.served(until: start + 20, isHeldBack: true))
        case .letGo: machine.letGo() ? "yes" : "none"
        case .inputEnded: "\(machine.inputEnded())"
        case .leave: machine.leave(.close, at: start) ? "yes" : "none"
        case .flushed: "\(machine.flushed(at: start))"
        case .dropped: "\(machine.dropped(1, at: start))"
        case .droppedTooMuch: "\(machine.dropped(Limits.lingerBytes + 1, at: start))"
        case .aTick: "\(machine.ticked(at: start + 1))"
        case .theLastTick: "\(machine.ticked(at: start + 100_000))"
        case .drain: "\(machine.drain(hasBegunHead: false, at: start))"
        case .handOver: machine.handOver() ? "yes" : "none"
        case .close: machine.close() ? "yes" : "none"
        }
    }

    private static func text(_ nothing: Void) -> String { "none" }

    static func stand(_ machine: HTTP1ConnectionMachine) -> Stand {
        switch machine.state {
        case .reading: .reading
        case .heldBack: .heldBack
        case .serving: .serving
        case .flushing(.close, _, _): .flushingToClose
        case .flushing(.linger, _, _): .flushingToLinger
        case .lingering: .lingering
        case .handedOver: .handedOver
        case .closed: .closed
        }
    }

    static let table: [Event: [Stand: String]] = [
        .headBegan: [:],
        .headCame: [.reading: "none > serving"],
        .served: [.serving: "none > reading"],
        .servedToBeHeldBack: [.serving: "none > heldBack"],
        .letGo: [.heldBack: "yes > reading"],
        .inputEnded: [
            .reading: "closeIfServed", .heldBack: "closeIfServed", .serving: "tellExchange",
            .lingering: "close",
        ],
        .leave: [
            .reading: "yes > flushingToClose", .heldBack: "yes > flushingToClose",
            .serving: "yes > flushingToClose",
        ],
        .flushed: [.flushingToClose: "close", .flushingToLinger: "closeOutput > lingering"],
        .dropped: [:],
        .droppedTooMuch: [.flushingToClose: "close", .flushingToLinger: "close", .lingering: "close"],
        .aTick: [.serving: "tellExchange"],
        .theLastTick: [
            .reading: "headOverdue", .heldBack: "headOverdue", .serving: "tellExchange",
            .flushingToClose: "close", .flushingToLinger: "close", .lingering: "close",
        ],
        .drain: [.serving: "tellExchange"],
        .handOver: [.reading: "yes > handedOver"],
        .close: Dictionary(
            uniqueKeysWithValues: Stand.allCases.filter { $0 != .closed && $0 != .handedOver }.map {
                ($0, "yes > closed")
            }),
    ]

    @Test("An event does in each state what the table says", arguments: Event.allCases) func events(
        event: Event
    ) {
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

    @Test("The table has a row for each event")
    func everyEvent() {
        #expect(Set(Self.table.keys) == Set(Event.allCases))
    }

    @Test("A client that has ended its side is not lingered for")
    func halfClosedClient() {
        var machine = Self.machine(.flushingToLinger)
        #expect(machine.inputEnded() == .none)
        #expect(machine.flushed(at: Self.start) == .close)
    }

    @Test("Lingering ends at its last moment though bytes still come")
    func lingerEnd() {
        var machine = Self.machine(.lingering)
        for tick in 0..<Limits.lingerTicks {
            #expect(machine.ticked(at: Self.start + tick) == .none)
            #expect(machine.dropped(1, at: Self.start + tick) == .none)
        }
        #expect(machine.ticked(at: Self.start + Limits.lingerTicks) == .close)
    }

    @Test("Lingering ends a moment after the last byte")
    func lingerIdle() {
        var machine = Self.machine(.lingering)
        #expect(machine.dropped(1, at: Self.start + 1) == .none)
        #expect(machine.ticked(at: Self.start + Limits.lingerIdleTicks) == .none)
        #expect(machine.ticked(at: Self.start + 1 + Limits.lingerIdleTicks) == .close)
    }

    @Test("Bytes that leave for a slow reader put off the end of a flush")
    func slowReader() {
        var machine = Self.machine(.flushingToClose)
        machine.progressed(at: Self.start + 10)
        #expect(machine.ticked(at: Self.start + Limits.bodyIdleTicks) == .none)
        #expect(machine.ticked(at: Self.start + 10 + Limits.bodyIdleTicks) == .close)
    }

    @Test("A drain shortens an idle wait, and never makes one longer")
    func drain() {
        var idle = HTTP1ConnectionMachine(until: Self.start + 1_000)
        #expect(idle.drain(hasBegunHead: false, at: Self.start) == .none)
        #expect(idle.ticked(at: Self.start + Limits.drainedIdleTicks) == .headOverdue)
        var late = HTTP1ConnectionMachine(until: Self.start + 1)
        _ = late.drain(hasBegunHead: true, at: Self.start)
        #expect(late.ticked(at: Self.start + 1) == .headOverdue)
    }
}
