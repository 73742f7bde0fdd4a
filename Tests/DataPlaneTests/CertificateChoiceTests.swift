import NIOCore
import Synchronization
import Testing

@testable import DataPlane

@Suite struct CertificateChoiceTests {
    private typealias Candidate = CertificateChoice.Candidate

    private static let hosts = ["a.test", "b.test", "x.a.test", "*.a.test", "*.test", "c.example"]
    private static let addresses: [[UInt8]] = [
        [192, 0, 2, 1], [192, 0, 2, 2], [UInt8](repeating: 1, count: 16),
    ]
    private static let asked = [
        "a.test", "b.test", "x.a.test", "y.a.test", "z.x.a.test", "other.example", "192.0.2.1", "",
    ]
    private static let now: Int64 = 1_000

    private static func candidates(_ random: inout SystemRandomNumberGenerator) -> [Candidate] {
        (0..<Int.random(in: 0...6, using: &random)).map { number in
            let from = Int64.random(in: 0...1_200, using: &random)
            return Candidate(
                name: Int.random(in: 0..<5, using: &random) == 0 ? "default" : "pair\(number)",
                names: CertificateNames(
                    hosts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map { Array($0.utf8) },
                    addresses: addresses.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }),
                validFrom: from, validUntil: from + Int64.random(in: 0...800, using: &random) / 100 * 100)
        }
    }

    @Test(
        "Of any set of certificates that one is shown which covers what is asked for, is valid and lasts longest"
    )
    func property() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let all = Self.candidates(&random)
            let choice = CertificateChoice(all)
            let name = Self.asked.randomElement(using: &random).map { Array($0.utf8) } ?? []
            let address = Self.addresses.randomElement(using: &random)
            let asked = name.isEmpty ? nil : name
            let best = choice.best(for: asked, address: address, at: Self.now)
            guard let best else {
                #expect(all.isEmpty)
                continue
            }
            let shown = all[best]
            let covering = all.filter { candidate in
                asked.map(candidate.names.cover) ?? address.map(candidate.names.addresses.contains) ?? false
            }
            let rivals = covering.isEmpty ? all : covering
            // It covers what is asked for, if any does.
            if !covering.isEmpty {
                #expect(asked.map(shown.names.cover) ?? address.map(shown.names.addresses.contains) ?? false)
            }
            // One that is not valid is shown only where none of its rivals is.
            let valid = rivals.filter { $0.isValid(at: Self.now) }
            #expect(shown.isValid(at: Self.now) || valid.isEmpty)
            // Of the valid that cover it none lasts longer; an unknown name is shown a valid default before others.
            if !covering.isEmpty {
                let same = valid.isEmpty ? rivals : valid
                #expect(same.allSatisfy { $0.validUntil <= shown.validUntil })
            } else if let first = all.first(where: { $0.name == "default" }), first.isValid(at: Self.now) {
                #expect(shown.name == "default")
            } else if !valid.isEmpty {
                #expect(valid.allSatisfy { $0.validUntil <= shown.validUntil })
            }
        }
    }

    @Test("Both ends of its time belong to it, and of equals the name itself wins against a wildcard")
    func boundaries() {
        func candidate(_ name: String, _ host: String, _ from: Int64, _ until: Int64) -> Candidate {
            Candidate(
                name: name, names: CertificateNames([Array(host.utf8)]), validFrom: from, validUntil: until)
        }
        let all = [
            candidate("wild", "*.test", 10, 20), candidate("own", "a.test", 10, 20),
            candidate("new", "a.test", 21, 40),
        ]
        let choice = CertificateChoice(all)
        func shown(_ name: String, _ now: Int64) -> String? {
            choice.best(for: Array(name.utf8), address: nil, at: now).map { all[$0].name }
        }
        #expect(shown("a.test", 10) == "own" && shown("a.test", 20) == "own" && shown("a.test", 21) == "new")
        #expect(shown("b.test", 10) == "wild" && shown("b.test", 21) == "wild")
    }

    @Test("Who asked for no name and was shown a certificate for the address may ask for every host")
    func addressInUse() {
        let names = CertificateNames(["a.test"].map { Array($0.utf8) }, addresses: [[192, 0, 2, 1]])
        func serves(_ use: CertificateInUse, _ host: String) -> Bool {
            var use = use
            return Array(host.utf8).withUnsafeBytes { use.covers($0) }
        }
        let byAddress = CertificateInUse(names, serverName: nil, address: [192, 0, 2, 1])
        #expect(["a.test", "192.0.2.1", "tenant.example"].allSatisfy { serves(byAddress, $0) })
        let elsewhere = CertificateInUse(names, serverName: nil, address: [192, 0, 2, 9])
        #expect(
            serves(elsewhere, "a.test") && serves(elsewhere, "192.0.2.1")
                && !serves(elsewhere, "tenant.example"))
        let byName = CertificateInUse(names, serverName: "a.test", address: [192, 0, 2, 1])
        #expect(serves(byName, "a.test") && serves(byName, "192.0.2.1") && !serves(byName, "tenant.example"))
    }
}

@Suite struct ProxyHeaderRefusalsTests {
    @Test("One of a kind is told at once, the others are counted until the next")
    func throttle() {
        let told = Told()
        let refusals = ProxyHeaderRefusals { told.append($0) }
        let start = NIODeadline.uptimeNanoseconds(1)
        for _ in 0..<1_000 { refusals.add(.noHeader, from: nil, at: start) }
        refusals.add(.untrusted, from: nil, at: start)
        #expect(told.all.map(\.others) == [0, 0])
        refusals.add(.noHeader, from: nil, at: start + Limits.proxyHeaderPause)
        #expect(told.all.map(\.others) == [0, 0, 999])
    }
}

private final class Told: Sendable {
    private let notices = Mutex<[ProxyHeaderNotice]>([])
    var all: [ProxyHeaderNotice] { notices.withLock { $0 } }

    func append(_ notice: ProxyHeaderNotice) {
        notices.withLock { $0.append(notice) }
    }
}
