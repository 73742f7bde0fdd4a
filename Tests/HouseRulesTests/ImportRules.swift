/// Which target may import what: the design's table.
extension HouseRule {
    /// The system's C library and Swift's own modules stand at the end.
    static let allowedImports: [String: Set<String>] = [
        "JOSE": ["COpenSSL", "Synchronization"],
        "Gatekeeper": ["HTTPMessage", "JOSE", "HashTreeCollections", "Synchronization"],
        "HTTPMessage": [],
        "HTTP1": ["COpenSSL", "HTTPMessage"],
        "HTTP2": ["CNGHTTP2", "HTTPMessage"],
        "ExternalAuthorization": ["HTTPMessage"],
        "Platform": ["CLinux", "Glibc", "Musl"],
        "Postgres": ["CLibPQ", "Platform", "Glibc", "Synchronization"],
        "ControlPlane": [
            "Gatekeeper", "JOSE", "Platform", "Postgres", "CLibCurl", "Glibc", "Synchronization",
        ],
        "DataPlane": [
            "CLinux", "ExternalAuthorization", "Gatekeeper", "HTTP1", "HTTP2", "HTTPMessage", "Platform",
            "NIOCore", "NIOPosix",
            "NIOSSL",
            "NIOTLS", "Glibc",
            "Musl",
            "Synchronization",
        ],
        "Gateway": [
            "ControlPlane", "DataPlane", "Gatekeeper", "HTTPMessage", "JOSE", "Platform", "Postgres",
            "ArgumentParser",
            "Configuration", "Dispatch", "Foundation", "HTTPTypes", "Hummingbird", "HummingbirdCore",
            "Logging",
            "NIOCore", "NIOHTTPTypes", "NIOPosix", "ServiceLifecycle", "Subprocess", "UnixSignals", "Glibc",
            "Synchronization",
        ],
        "StandInPool": [
            "JOSE", "ArgumentParser", "NIOCore", "NIOHTTP1", "NIOPosix", "Foundation", "Synchronization",
        ],
    ]

    static let imports = HouseRule(
        claim: "Each target imports only what the design allows it",
        violations: [
            "import ControlPlane", "package import JOSE", "@preconcurrency import Foundation",
            "import struct Postgres.Session", "#if canImport(Glibc)\nimport Logging\n#endif",
        ],
        innocents: [
            "import NIOCore", "package import Gatekeeper", "// import ControlPlane",
            "import func Glibc.write",
            "let text = \"\"\"\n    import JOSE\n    \"\"\"",
        ],
        findings: { file in
            file.imports().filter { allowedImports[file.target]?.contains($0.module) != true }
                .map { file.finding(at: $0.token) }
        })
}

extension SwiftFile {
    /// The modules that the file imports.
    func imports() -> [(token: Token, module: String)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "var", "let"]
        var found: [(token: Token, module: String)] = []
        for (index, token) in tokens.enumerated() where token.isWord("import") {
            var place = index + 1
            if let next = self.token(place, 0), kinds.contains(next.text) { place += 1 }
            if let module = self.token(place, 0), module.kind == .word { found.append((token, module.text)) }
        }
        return found
    }
}
