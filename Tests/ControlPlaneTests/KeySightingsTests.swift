import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

@Suite struct KeySightingsTests {
    private func id(_ number: Int) throws -> KeyID { try #require(KeyID(Array("key-\(number)".utf8))) }

    @Test(
        "A key is first seen once and last seen with every fetch that brings it; a rotation puts the new one first"
    )
    func rotation() throws {
        var sightings = KeySightings()
        sightings.saw([try id(1), try id(2)], at: Instant(seconds: 100))
        sightings.saw([try id(2), try id(3)], at: Instant(seconds: 200))
        #expect(
            sightings.all == [
                KeySighting(
                    keyID: try id(3), firstSeen: Instant(seconds: 200), lastSeen: Instant(seconds: 200)),
                KeySighting(
                    keyID: try id(2), firstSeen: Instant(seconds: 100), lastSeen: Instant(seconds: 200)),
                KeySighting(
                    keyID: try id(1), firstSeen: Instant(seconds: 100), lastSeen: Instant(seconds: 100)),
            ])
    }

    @Test(
        "However often an endpoint changes its keys, no more are remembered than the bound, and those of now are"
    )
    func bound() throws {
        var sightings = KeySightings()
        for round in 0..<40 {
            let keys = try (0..<64).map { try id(round * 64 + $0) }
            sightings.saw(keys, at: Instant(seconds: Int64(round)))
            #expect(sightings.all.count <= ControlPlane.Limits.sightingsOfPool)
            #expect(Set(keys).isSubset(of: sightings.all.map(\.keyID)))
        }
        #expect(sightings.all.count == ControlPlane.Limits.sightingsOfPool)
    }
}
