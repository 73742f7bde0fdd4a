import Testing

@testable import Gatekeeper

@Suite struct HostTests {
    private func host(_ text: String) -> Host? {
        Array(text.utf8).withUnsafeBytes { Host(request: $0) }
    }

    @Test("A request's host is lowered and loses one trailing dot")
    func canonical() {
        #expect(host("Acme.Example.COM.")?.description == "acme.example.com")
        #expect(host("acme.example.com")?.description == "acme.example.com")
    }

    @Test("A name with an empty label is nobody's, wherever it stands in it")
    func emptyLabels() {
        let labels = ["a", "x-y", "w", "example", "com"]
        for count in 1...labels.count {
            let name = Array(labels.suffix(count))
            #expect(host(name.joined(separator: ".") + ".") != nil)
            for place in 0...count {
                for empty in 1...3 {
                    var broken = name
                    broken.insert(contentsOf: Array(repeating: "", count: empty), at: place)
                    // A single one at the end is the root's (RFC 9110 §4.2.3, and every browser).
                    if place == count, empty == 1 { continue }
                    let text = broken.joined(separator: ".")
                    #expect(host(text) == nil, "\(text)")
                    #expect(HostPattern(text) == nil && HostPattern("*." + text) == nil, "\(text)")
                }
            }
        }
        for dots in [".", "..", "..."] { #expect(host(dots) == nil) }
    }

    @Test("A host of 253 bytes is taken, one of 254 is not")
    func length() {
        let label = String(repeating: "a", count: 63)
        let longest = "\(label).\(label).\(label).\(String(repeating: "a", count: 61))"
        #expect(longest.utf8.count == 253)
        #expect(Host(exact: longest) != nil)
        #expect(host(longest) != nil)
        #expect(host(longest + "a") == nil)
        #expect(Host(exact: longest + "a") == nil)
        #expect(host("") == nil)
    }

    @Test(
        "A row must spell its host canonically",
        arguments: [
            "Acme.example.com", "acme.example.com.", "acme:80", "-a.example", "a-.example", "a..b", "",
            "ac me", "é.example", "a/b", "https://a",
        ])
    func refused(text: String) {
        #expect(Host(exact: text) == nil)
    }

    @Test(
        "A row may name a DNS name, an address or a bracketed IPv6 address",
        arguments: ["localhost", "a_b.example", "127.0.0.1", "[::1]", "xn--bcher-kva.example"])
    func accepted(text: String) {
        #expect(Host(exact: text)?.description == text)
    }

    @Test("A label of 63 bytes is taken, one of 64 is not")
    func label() {
        #expect(Host(exact: String(repeating: "a", count: 63)) != nil)
        #expect(Host(exact: String(repeating: "a", count: 64)) == nil)
    }

    @Test("A wildcard stands only as the whole first label")
    func wildcard() {
        #expect(HostPattern("*.example.com")?.description == "*.example.com")
        #expect(HostPattern("*") == nil)
        #expect(HostPattern("*example.com") == nil)
        #expect(HostPattern("a.*.com") == nil)
        #expect(HostPattern("*.*.com") == nil)
    }
}

@Suite struct PoolTests {
    @Test(
        "Regions of every partition are taken",
        arguments: ["eu-west-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-12", "cn-north-1"])
    func regions(text: String) {
        #expect(Region(text)?.description == text)
    }

    @Test(
        "What is no region is refused",
        arguments: [
            "", "eu", "eu-west", "EU-west-1", "eu-west-", "eu--1", "eu-west-1a", "eu-west-100", "1-west-1",
            "eu_west_1", "eu-west-１",
        ])
    func notRegions(text: String) {
        #expect(Region(text) == nil)
    }

    @Test("A pool id begins with a region and ends in letters and digits")
    func poolIDs() {
        #expect(PoolID("eu-west-1_PwMfVzLQg") != nil)
        #expect(PoolID("eu-west-1_") == nil)
        #expect(PoolID("eu-west-1") == nil)
        #expect(PoolID("eu-west-1_ab-c") == nil)
        #expect(PoolID("eu-west-1_a_b") == nil)
        #expect(PoolID("eu-west-1_" + String(repeating: "a", count: 118)) != nil)
        #expect(PoolID("eu-west-1_" + String(repeating: "a", count: 119)) == nil)
    }

    @Test("A pool of another region than the row's is refused")
    func otherRegion() throws {
        let pool = try #require(PoolID("eu-west-1_abc"))
        let (home, other) = (try #require(Region("eu-west-1")), try #require(Region("eu-west-2")))
        #expect(PoolName(region: home, poolID: pool)?.description == "eu-west-1/eu-west-1_abc")
        #expect(PoolName(region: other, poolID: pool) == nil)
    }
}

@Suite struct IssuerTests {
    private func key(_ region: String, _ name: String = "abc") throws -> PoolName {
        let poolID = try #require(PoolID("\(region)_\(name)"))
        let region = try #require(Region(region))
        return try #require(PoolName(region: region, poolID: poolID))
    }

    private func texts(_ issuers: [[UInt8]]) -> [String] {
        issuers.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("AWS's original and updated issuer and each replica's are accepted")
    func aws() throws {
        let forms = IssuerForms(issuerTemplate: nil, keysTemplate: nil)
        let issuers = forms.issuers(
            of: try key("eu-west-1"), additionalRegions: [try #require(Region("us-east-1"))])
        #expect(
            texts(issuers) == [
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
                "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_abc",
                "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
            ])
        #expect(
            forms.keysURL(of: try key("eu-west-1"))
                == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc/.well-known/jwks.json")
    }

    @Test(
        "A partition decides the suffix",
        arguments: [
            ("eusc-de-east-1", "amazonaws.eu"), ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"), ("us-iso-west-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("us-isof-south-1", "csp.hci.ic.gov"), ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("us-gov-west-1", "amazonaws.com"),
        ])
    func partitions(region: String, suffix: String) throws {
        let forms = IssuerForms(issuerTemplate: nil, keysTemplate: nil)
        #expect(
            texts(forms.issuers(of: try key(region), additionalRegions: [])).allSatisfy {
                $0.contains(".\(suffix)/")
            })
    }

    @Test("A template is filled in wherever its words stand")
    func template() throws {
        let template = try #require(URLTemplate("http://{region}.localhost:5000/{pool}/x/{region}"))
        let forms = IssuerForms(issuerTemplate: template, keysTemplate: template)
        let filled = "http://eu-west-1.localhost:5000/eu-west-1_abc/x/eu-west-1"
        #expect(texts(forms.issuers(of: try key("eu-west-1"), additionalRegions: [])) == [filled])
        #expect(forms.keysURL(of: try key("eu-west-1")) == filled)
        #expect(template.isPlainHTTP)
        #expect(URLTemplate("http://[::1]:80/{pool}")?.host == "::1")
        #expect(URLTemplate("http://127.0.0.1:80/{pool}")?.host == "127.0.0.1")
    }

    @Test(
        "What is no absolute URL is no template",
        arguments: ["", "ftp://a", "/jwks", "https:///x", "https://a b", "HTTPS://a"])
    func notTemplates(text: String) {
        #expect(URLTemplate(text) == nil)
    }
}

@Suite struct OriginTests {
    @Test(
        "An origin is a scheme, a host and a port",
        arguments: [
            ("http://app", "http://app:80"), ("https://app", "https://app:443"),
            ("http://app:8080", "http://app:8080"),
            ("http://[::1]:81", "http://[::1]:81"), ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ])
    func accepted(text: String, shown: String) {
        #expect(Origin(text)?.description == shown)
    }

    @Test(
        "Anything more or less is refused",
        arguments: [
            "app", "http://", "http://app/", "http://app:0", "http://app:65536", "http://app:",
            "http://u@app", "http://APP",
            "ftp://app", "http://app?x", "http://app:+80", "http://app:８０", "HTTP://app", "http://::1",
        ])
    func refused(text: String) {
        #expect(Origin(text) == nil)
    }

    @Test("Several origins are separated by single spaces and differ")
    func lists() {
        #expect(Origin.list("http://a http://b")?.count == 2)
        #expect(Origin.list("http://a  http://b") == nil)
        #expect(Origin.list(" http://a") == nil)
        #expect(Origin.list("http://a http://a:80") == nil)
        let many = (0..<32).map { "http://a\($0)" }
        #expect(Origin.list(many.joined(separator: " "))?.count == 32)
        #expect(Origin.list((many + ["http://b"]).joined(separator: " ")) == nil)
    }
}
