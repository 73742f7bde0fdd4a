import Testing

@testable import Gatekeeper

@Suite struct PoolReferenceTests {
    @Test(
        "Every form in which a pool is printed names it",
        arguments: [
            "eu-west-1_PwMfVzLQg", "eu-west-1/eu-west-1_PwMfVzLQg", " eu-west-1_PwMfVzLQg\n",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_PwMfVzLQg",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_PwMfVzLQg/",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_PwMfVzLQg/.well-known/jwks.json",
            "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_PwMfVzLQg?x=y#z",
            "http://127.0.0.1:9100/eu-west-1/eu-west-1_PwMfVzLQg",
            "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_PwMfVzLQg",
            "arn:aws-cn:cognito-idp:eu-west-1::userpool/eu-west-1_PwMfVzLQg",
        ])
    func forms(text: String) {
        #expect(PoolReference.pool(text)?.description == "eu-west-1/eu-west-1_PwMfVzLQg")
    }

    @Test(
        "What names no pool, or two, or one in another region, names none",
        arguments: [
            "", " ", "eu-west-1", "PwMfVzLQg", "eu-west-1_", "eu-west-1_a b", "us-east-1/eu-west-1_a",
            "eu-west-1/eu-west-1_a/x", "https://eu-west-1_a", "https://h/x",
            "https://h/eu-west-1_a/eu-west-1_b",
            "arn:aws:cognito-idp:us-east-1:1:userpool/eu-west-1_a",
            "arn:aws:s3:eu-west-1:1:userpool/eu-west-1_a",
            "arn:aws:cognito-idp:eu-west-1:1:identitypool/eu-west-1_a", "ftp://h/eu-west-1_a",
        ])
    func others(text: String) {
        #expect(PoolReference.pool(text) == nil)
    }

    @Test("A reference has a bound")
    func bound() {
        let url = "https://h/eu-west-1_a/"
        let rest = String(repeating: "x", count: Limits.poolReferenceBytes - url.utf8.count)
        #expect(PoolReference.pool(url + rest) != nil)
        #expect(PoolReference.pool(url + rest + "x") == nil)
    }
}
