import AuthorizationMessages
import ExternalAuthorization
import SwiftProtobuf

/// Envoy's messages, read and written by the gateway's own code and by swift-protobuf: what either costs.
struct MessageFixture {
    /// A `CheckRequest` with 20 fields, one of them a credential.
    private let request: [UInt8]
    /// The lines of an identity, as the gateway writes them.
    private let lines: [(name: String, value: String)] = [
        ("X-Poolgate-Subject", "5f1d7a3c-9b1e-4b0e-8f52-0a4f1c2d3e4f"),
        ("X-Poolgate-Tenant", "acme.example.com"),
        ("X-Poolgate-Pool", "eu-west-1_PwMfVzLQg"), ("X-Poolgate-Client", "3n4b5urk1ft4fl3mg5e62d9ado"),
        ("X-Poolgate-Principal", "user"), ("X-Forwarded-User", "alice"),
    ]
    private let text: [UInt8]
    private let removals = ["X-Forwarded-Groups", "X-Forwarded-Email"].map { Array($0.utf8) }

    init(credential: [UInt8]) throws {
        var message = Envoy_Service_Auth_V3_CheckRequest()
        message.attributes.request.http.method = "GET"
        message.attributes.request.http.path = "/api/things?page=2"
        message.attributes.request.http.host = "acme.example.com"
        message.attributes.request.http.scheme = "https"
        var fields = ["authorization": String(decoding: credential, as: UTF8.self)]
        for number in 1..<20 { fields["x-field-of-a-request-\(number)"] = "a value of some length \(number)" }
        message.attributes.request.http.headers = fields
        request = try message.serializedBytes()
        text = lines.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
    }

    var requestBytes: Int { request.count }

    func readsByHand() -> Bool {
        request.withUnsafeBytes { (try? CheckRequest(reading: $0))?.fields.count == 20 }
    }

    func readsByLibrary() -> Bool {
        (try? Envoy_Service_Auth_V3_CheckRequest(serializedBytes: request))?
            .attributes.request.http.headers.count == 20
    }

    func writesByHand(_ response: inout CheckResponse) -> Bool {
        response.beginOK()
        text.withUnsafeBytes { response.set(lines: $0) }
        for name in removals { name.withUnsafeBytes { response.remove($0) } }
        var metadata = VerdictMetadata()
        metadata.tenant = Array(lines[1].value.utf8)
        metadata.subject = Array(lines[0].value.utf8)
        return response.endOK(metadata) { $0.count } > 300
    }

    func writesByLibrary() -> Bool {
        var response = Envoy_Service_Auth_V3_CheckResponse()
        response.status = .init()
        response.okResponse.headers = lines.map { name, value in
            var option = Envoy_Config_Core_V3_HeaderValueOption()
            option.header.key = name
            option.header.value = value
            option.appendAction = .overwriteIfExistsOrAdd
            return option
        }
        response.okResponse.headersToRemove = ["X-Forwarded-Groups", "X-Forwarded-Email"]
        response.dynamicMetadata = [
            "tenant": .init(stringValue: lines[1].value), "subject": .init(stringValue: lines[0].value),
        ]
        let bytes: [UInt8]? = try? response.serializedBytes()
        return (bytes?.count ?? 0) > 300
    }
}
