import Testing

@testable import Platform

@Suite struct LocalDatagramTests {
    @Test("A datagram that nobody can take says so, at once")
    func nobody() {
        #expect(number("/nowhere/at/all") == 2)
        #expect(number("@poolgate-nobody-listens-here") == 111)
        #expect(LocalDatagram.Failure(number: 2).description == "No such file or directory")
    }

    @Test("A socket's path has a greatest length, and is not cut to it")
    func longPath() {
        #expect(number("") == 36)
        #expect(number("@" + String(repeating: "a", count: 107)) == 36)
        #expect(number("@" + String(repeating: "a", count: 106)) == 111)
    }

    @Test("Only a full queue is worth another attempt")
    func passing() {
        #expect(LocalDatagram.Failure(number: 11).isPassing)
        #expect(!LocalDatagram.Failure(number: 2).isPassing)
        #expect(!LocalDatagram.Failure(number: 111).isPassing)
    }

    private func number(_ path: String) -> Int32? {
        do throws(LocalDatagram.Failure) {
            try LocalDatagram.send("STATUS=test", to: path)
            return nil
        } catch {
            return error.number
        }
    }
}
