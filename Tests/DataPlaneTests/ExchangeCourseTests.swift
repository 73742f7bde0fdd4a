import Gatekeeper
import Testing

@testable import DataPlane

/// What one event alone does not show: events one after the other.
@Suite struct ExchangeCourseTests {
    private typealias Table = ExchangeMachineTests

    @Test("A client that ended its side inside its body is left when a connection comes")
    func clientEndedInBody() {
        var machine = ExchangeMachine(clocks: Table.clocks)
        machine.begin(.init(hasBody: true, isIdempotent: false), isClientEnded: false)
        _ = machine.judged(.admitted, isCostly: false, at: 0)
        let firstAction = machine.clientEnded()
        #expect(firstAction == .none)
        let secondAction = machine.connected(isRestAtHand: false, at: 0)
        #expect(secondAction == .parkAndBreakOff)
        let thirdAction = machine.state
        #expect(thirdAction == .ended)
    }

    @Test("A client that ended its side behind a whole request gets its response")
    func clientEndedBehindRequest() {
        var machine = ExchangeMachine(clocks: Table.clocks)
        machine.begin(.init(hasBody: true, isIdempotent: false), isClientEnded: true)
        _ = machine.judged(.admitted, isCostly: false, at: 0)
        let firstAction = machine.connected(isRestAtHand: true, at: 0)
        #expect(firstAction == .start)
        let secondAction = machine.bodyPassed(isLast: true, at: 0)
        #expect(secondAction == .none)
        let thirdAction = machine.clientEnded()
        #expect(thirdAction == .none)
        let fourthAction = machine.responseBegan()
        #expect(fourthAction)
        let fifthAction = machine.responseEnded()
        #expect(fifthAction == .finish)
    }

    @Test("A piece of a body behind which the client has ended breaks the exchange off")
    func endBehindPiece() {
        var machine = ExchangeMachine(clocks: Table.clocks)
        machine.begin(.init(hasBody: true, isIdempotent: false), isClientEnded: true)
        _ = machine.judged(.admitted, isCostly: false, at: 0)
        _ = machine.connected(isRestAtHand: true, at: 0)
        let action = machine.bodyPassed(isLast: false, at: 0)
        #expect(action == .breakOff(nil, nil, blamesUpstream: false))
    }

    @Test("A request is sent a second time once only")
    func retriedOnce() {
        var machine = Table.machine(.sent)
        let firstAction = machine.connectionLost(.wasReused)
        #expect(firstAction == .retry)
        _ = machine.connectionBegun(at: 0)
        let secondAction = machine.connected(isRestAtHand: true, at: 0)
        #expect(secondAction == .start)
        let thirdAction = machine.connectionLost(.wasReused)
        #expect(thirdAction == .refuse(.upstream(.reset), nil, blamesUpstream: true))
    }

    @Test("A request that is not idempotent, or has a body, is not sent twice", arguments: [true, false])
    func notRetried(hasBody: Bool) {
        var machine = ExchangeMachine(clocks: Table.clocks)
        machine.begin(.init(hasBody: hasBody, isIdempotent: hasBody), isClientEnded: false)
        _ = machine.judged(.admitted, isCostly: false, at: 0)
        _ = machine.connected(isRestAtHand: true, at: 0)
        let action = machine.connectionLost(.wasReused)
        #expect(action == .refuse(.upstream(.reset), nil, blamesUpstream: true))
    }

    @Test(
        "A request that the upstream did nothing with is sent again, whatever it asks for, unless it has a body"
    )
    func unprocessed() {
        for hasBody in [true, false] {
            var machine = ExchangeMachine(clocks: Table.clocks)
            machine.begin(.init(hasBody: hasBody, isIdempotent: false), isClientEnded: false)
            _ = machine.judged(.admitted, isCostly: false, at: 0)
            _ = machine.connected(isRestAtHand: true, at: 0)
            let action = machine.connectionLost(.wasUnprocessed)
            #expect(
                action == (hasBody ? .refuse(.upstream(.reset), nil, blamesUpstream: false) : .retry))
        }
    }

    @Test("A request is moved to another upstream once only")
    func movedOnce() {
        var machine = Table.machine(.connecting)
        let firstAction = machine.connectFailed(.refused)
        #expect(firstAction == .move(.refused))
        _ = machine.connectionBegun(at: 0)
        let secondAction = machine.connectFailed(.tlsFailed)
        #expect(secondAction == .refuse(.upstream(.tlsFailed), nil, blamesUpstream: false))
    }

    @Test("A connection for an earlier wait finds nobody waiting")
    func lateConnection() {
        var machine = Table.machine(.routing)
        let first = machine.joinedLine(at: 0)
        let second = machine.connectionBegun(at: 0)
        let waits = [machine.waits(for: first), machine.waits(for: second)]
        #expect(waits == [false, true])
        machine.clientLost()
        machine.begin(.init(hasBody: false, isIdempotent: true), isClientEnded: false)
        _ = machine.judged(.admitted, isCostly: false, at: 0)
        let third = machine.connectionBegun(at: 0)
        let waitsNow = [machine.waits(for: second), machine.waits(for: third)]
        #expect(waitsNow == [false, true])
    }

    @Test("Each wait ends with its own clock")
    func clocks() {
        for (stand, ticks) in [
            (Table.Stand.awaitingBatch, Table.clocks.verification),
            (.awaitingTurn, Table.clocks.verification),
            (.awaitingKey, Limits.keyTicks), (.queued, Table.clocks.upstreamLine),
            (.connecting, Limits.connectionTicks), (.sending, Limits.bodyIdleTicks),
            (.sent, Limits.responseTicks), (.closing, Limits.closingTicks),
        ] {
            var machine = Table.machine(stand)
            let firstAction = machine.ticked(at: Table.start + ticks - 1)
            #expect(firstAction == .none, "\(stand)")
            let secondAction = machine.ticked(at: Table.start + ticks)

            #expect(secondAction != .none, "\(stand)")
        }
    }

    @Test("Progress restarts the clock of a transfer")
    func progress() {
        var machine = Table.machine(.responding)
        machine.progressed(at: Table.start + 100)
        let firstAction = machine.ticked(at: Table.start + Limits.bodyIdleTicks)
        #expect(firstAction == .none)
        let secondAction = machine.ticked(at: Table.start + 100 + Limits.bodyIdleTicks)
        #expect(secondAction != .none)
    }

    @Test("Interim responses beyond their bound are not passed on")
    func interimResponses() {
        var machine = Table.machine(.sent)
        for _ in 0..<Limits.interimResponses {
            let isPassed = machine.interimCame(at: 0)
            #expect(isPassed)
        }
        let action = machine.interimCame(at: 0)
        #expect(!action)
    }

    @Test("What of a client's bytes is used follows from the state")
    func usedBytes() {
        let expected: [Table.Stand: ExchangeMachine.Intake] = [
            .judging: .nothing, .awaitingBatch: .onePiece, .awaitingTurn: .onePiece, .awaitingKey: .nothing,
            .routing: .onePiece, .queued: .onePiece, .connecting: .onePiece, .sending: .body,
            .sent: .nextRequests, .responding: .nextRequests, .tunnelling: .tunnel, .closing: .tunnel,
            .ended: .nothing, .respondingEarly: .body, .tunnellingOneWay: .tunnel,
        ]
        for stand in Table.Stand.allCases {
            let intake = Table.machine(stand).intake
            #expect(intake == expected[stand], "\(stand)")
        }
    }

    @Test("A WebSocket whose upstream has ended is closed without a frame")
    func endedWebSocketUpstream() {
        var machine = Table.machine(.tunnelling)
        let firstAction = machine.tunnelUpstreamEnded()
        #expect(firstAction == .endClientOutput)
        let secondAction = machine.closeTunnel(.goingAway, at: 0)
        #expect(secondAction == .endTunnel)
        let thirdAction = machine.tunnelAtBoundary()
        #expect(thirdAction == .sayClose(nil))
    }

    @Test("A WebSocket both of whose sides have ended is over")
    func endedWebSocket() {
        var one = Table.machine(.tunnelling)
        let firstAction = one.clientEnded()
        #expect(firstAction == .endUpstreamOutput)
        let secondAction = one.tunnelUpstreamEnded()
        #expect(secondAction == .closeClientWhenSent)
        var other = Table.machine(.tunnelling)
        let thirdAction = other.tunnelUpstreamEnded()
        #expect(thirdAction == .endClientOutput)
        let fourthAction = other.clientEnded()
        #expect(fourthAction == .closeClient)
    }
}
