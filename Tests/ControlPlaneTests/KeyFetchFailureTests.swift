import Gatekeeper
import Testing

@testable import ControlPlane

@Suite struct KeyFetchFailureTests {
    @Test(
        "A failed fetch is told with its endpoint, what that answered, and what it means",
        arguments: [
            (KeyFetchFailure.status(404), "answered 404: no such pool in eu-west-1"),
            (.status(400), "answered 400: no such pool in eu-west-1"),
            (.status(403), "answered 403: it, or something on the way, refuses this machine"),
            (.status(429), "answered 429: it is asked too often"),
            (.status(503), "answered 503: it has a fault of its own"),
            (.status(204), "answered 204"),
            (.redirect(302), "answered 302, and redirects are not followed"),
            (.transfer(.dns(host: "keys.test")), "gave no keys: the name keys.test does not resolve"),
        ])
    func sentences(failure: KeyFetchFailure, words: String) throws {
        let pool = try #require(PoolReference.pool("eu-west-1_abc"))
        #expect(
            failure.sentence(of: pool, at: "https://keys.test/a")
                == "the key endpoint https://keys.test/a \(words)")
        #expect(failure.sentence(of: pool, at: nil) == "the key endpoint \(words)")
    }

    @Test("A key endpoint is shown without the secrets that a template may hold")
    func shownURL() throws {
        let pool = try #require(PoolReference.pool("eu-west-1_abc"))
        func shown(_ template: String?) -> String {
            IssuerForms(issuerTemplate: nil, keysTemplate: template.flatMap { URLTemplate($0) }).shownKeysURL(
                of: pool)
        }
        #expect(
            shown(nil)
                == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc/.well-known/jwks.json")
        #expect(shown("https://u:p@h.test:8443/{pool}?token=s#f") == "https://h.test:8443/eu-west-1_abc")
        #expect(shown("http://h/{region}/a@b") == "http://h/eu-west-1/a@b")
        #expect(shown("http://u@[::1]:1/{pool}") == "http://[::1]:1/eu-west-1_abc")
    }
}
