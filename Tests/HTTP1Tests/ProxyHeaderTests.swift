import HTTPMessage
import Testing

@testable import HTTP1

@Suite struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    private static func header(_ rest: [UInt8], _ command: UInt8 = 0x21, _ family: UInt8 = 0x11) -> [UInt8] {
        signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    private static let four: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0x30, 0x39, 0, 80]
    private static let six: [UInt8] =
        [0x20, 1] + [UInt8](repeating: 0, count: 13) + [1] + [UInt8](repeating: 0, count: 16)
        + [0x30, 0x39, 1, 0xBB]

    private func parsed(_ bytes: [UInt8]) -> ProxyHeader.Progress {
        bytes.withUnsafeBytes { ProxyHeader.parse($0) }
    }

    @Test(
        "Addresses of both families and the balancer's own checks are read, extensions and what follows left alone"
    )
    func accepted() {
        let four = ProxyHeader.Source(address: [192, 0, 2, 1], port: 12345)
        #expect(parsed(Self.header(Self.four)) == .complete(ProxyHeader(length: 28, source: four)))
        #expect(
            parsed(Self.header(Self.four + [4, 0, 1, 9]) + [71])
                == .complete(ProxyHeader(length: 32, source: four)))
        let six = ProxyHeader.Source(address: Array(Self.six[..<16]), port: 12345)
        #expect(parsed(Self.header(Self.six, 0x21, 0x21)) == .complete(ProxyHeader(length: 52, source: six)))
        #expect(parsed(Self.header([], 0x20, 0)) == .complete(ProxyHeader(length: 16, source: nil)))
        #expect(parsed(Self.header(Self.four, 0x20, 0x11)) == .complete(ProxyHeader(length: 28, source: nil)))
    }

    @Test(
        "A header of something that has no address of IP is read, and says nothing of a source",
        arguments: [0x00, 0x01, 0x02, 0x10, 0x20, 0x30, 0x31, 0x32] as [UInt8])
    func withoutAddress(family: UInt8) {
        for rest in [[], Self.four, [UInt8](repeating: 0x2F, count: 216)] {
            let header = Self.header(rest, 0x21, family)
            #expect(parsed(header + [71]) == .complete(ProxyHeader(length: header.count, source: nil)))
        }
    }

    @Test("A header cut anywhere asks for more")
    func cut() {
        let whole = Self.header(Self.six, 0x21, 0x21)
        for count in 0..<whole.count { #expect(parsed(Array(whole[..<count])) == .needMore) }
    }

    private static let refusedHeaders: [[UInt8]] = [
        Array("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n".utf8), Array("GET / HTTP/1.1\r\n".utf8), [0],
        signature.dropLast() + [11], header(four, 0x11), header(four, 0x31), header(four, 0x22),
        header(four, 0x21, 0x12), header(four, 0x21, 0x41), header(four, 0x21, 0x13),
        header(four, 0x21, 0x03),
        header(Array(four.dropLast())), header(four, 0x21, 0x21), signature + [0x21, 0x11, 0x08, 0x01],
        signature + [0x21, 0x11, 0x08, 0x01] + four,
    ]

    @Test("Anything else is refused as soon as it shows", arguments: refusedHeaders)
    func refused(bytes: [UInt8]) {
        #expect(parsed(bytes) == .flaw)
    }
}
