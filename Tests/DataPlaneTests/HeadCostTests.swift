import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What is done with a head is proportional to its bytes, whatever they are: the work for each option, cookie,
/// parameter, hop or fold is bounded by a constant. How large that is, an end-to-end test measures.
///
/// Four times the bytes, the same mixture of everything, may cost little more than four times as much; where two of its
/// parts are multiplied it is sixteen times. Both are measured on this thread's own processor time, the fastest of
/// several rounds, one beside the other, so that a busy machine changes little.
@Suite(.serialized) struct HeadCostTests {
    static let growth = 9.0

    static let families = HostileHead.allCases

    private let admission: Admission
    private let judge: (borrowing RequestHead, UnsafeRawBufferPointer) -> Void

    init() throws {
        let fixture = try AdmissionFixture {
            $0.cookieName = "token"
            $0.queryParameter = "token"
        }
        admission = try fixture.admission()
        judge = { head, bytes in _ = fixture.verdict(of: RequestFacts(head, bytes)) }
    }

    @Test("A request's head costs in proportion to its bytes", arguments: families)
    func requests(family: HostileHead) throws {
        let cost = try compare(family.request(bytes: 31_000), with: family.request(bytes: 7_750), request)
        #expect(cost < Self.growth, "\(family) costs \(cost) times as much")
    }

    @Test("An answer's head costs in proportion to its bytes", arguments: families)
    func answers(family: HostileHead) throws {
        let cost = try compare(family.answer(bytes: 120_000), with: family.answer(bytes: 30_000), answer)
        #expect(cost < Self.growth, "\(family) costs \(cost) times as much")
    }

    @Test("A head that comes byte by byte costs in proportion to its bytes", arguments: families)
    func pieces(family: HostileHead) throws {
        let cost = try compare(family.answer(bytes: 32_000), with: family.answer(bytes: 8_000), bytewise)
        #expect(cost < Self.growth, "\(family) costs \(cost) times as much")
    }

    // MARK: What is done with a head

    private func request(_ bytes: UnsafeRawBufferPointer) throws {
        var parser = RequestHeadParser(limits: HeadLimits())
        try #require(parser.parse(bytes) == .complete)
        judge(parser.head, bytes)
        let peer = try SocketAddress(ipAddress: "10.0.0.1", port: 1)
        let way = ForwardedWay(address: peer, isTLS: true, isTrusted: true, pseudonym: Array("gw".utf8))
        _ = way.client(parser.head, bytes, trusted: ["10.0.0.0/8"].compactMap(AddressRange.init))
        for field in parser.head.fields where field.known == .via { _ = field.names(Array("gw".utf8), bytes) }
        var buffer = ByteBuffer()
        RequestHeadWriter.write(
            parser.head, bytes, admission, way: way, id: .none, trace: .none, upgrades: false, into: &buffer)
    }

    private func answer(_ bytes: UnsafeRawBufferPointer) throws {
        var parser = ResponseHeadParser(limits: .responses)
        try #require(parser.parse(bytes) == .complete)
        var buffer = ByteBuffer()
        ResponseHeadWriter.writeInterim(parser.head, bytes, into: &buffer)
    }

    private func bytewise(_ bytes: UnsafeRawBufferPointer) throws {
        var parser = ResponseHeadParser(limits: .responses)
        for end in 1..<bytes.count {
            try #require(parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<end])) == .needMore)
        }
        try #require(parser.parse(bytes) == .complete)
    }

    // MARK: Time

    private func compare(
        _ long: [UInt8], with short: [UInt8], _ work: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Double {
        var best = (long: Double.infinity, short: Double.infinity)
        for _ in 0..<4 {
            best.short = min(best.short, try seconds(short, work))
            best.long = min(best.long, try seconds(long, work))
        }
        return best.long / best.short
    }

    private func seconds(
        _ bytes: [UInt8], _ work: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        try bytes.withUnsafeBytes { try work($0) }
        return now() - start
    }
}
