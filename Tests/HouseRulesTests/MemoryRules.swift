/// Where the compiler cannot check what is done with memory.
extension HouseRule {
    static let rawMemory = HouseRule(
        claim:
            "Pointers are handled only in the C wrappers and the byte scanners",
        exceptions: [
            Exception(
                [
                    "ControlPlane/Transfer.swift", "ControlPlane/TransferLoop.swift",
                    "ControlPlane/TransferMailbox.swift",
                ], because: "they wrap libcurl"),
            Exception(
                ["ControlPlane/SavedBytes.swift"], because: "a checksum is taken a word at a time"),
            Exception(
                [
                    "JOSE/ES256Key.swift", "JOSE/KeyContexts.swift", "JOSE/SigningKey.swift",
                    "JOSE/TokenDigester.swift",
                    "JOSE/TokenFingerprint.swift",
                    "JOSE/VerificationKey.swift",
                ], because: "they wrap libcrypto"),
            Exception(
                [
                    "Postgres/Connector.swift", "Postgres/CStrings.swift", "Postgres/MessageCleaner.swift",
                    "Postgres/PostgresRows.swift",
                    "Postgres/PostgresURL.swift", "Postgres/Session.swift",
                ], because: "they wrap libpq"),
            Exception(
                [
                    "HTTP2/HTTP2Session+Callbacks.swift", "HTTP2/HTTP2Session.swift",
                    "HTTP2/TrailerCopy.swift",
                ],
                because: "they wrap libnghttp2"),
            Exception(
                ["DataPlane/HTTP2Scratch.swift"],
                because: "values are written anew where libnghttp2 reads them"),
            Exception(
                [
                    "ControlPlane/SigningKeyFile.swift", "ControlPlane/SigningKeyFolder.swift",
                    "ControlPlane/TrustedFile.swift", "DataPlane/PlainSocket.swift",
                    "DataPlane/UpstreamResolver.swift",
                    "Gateway/LogWriter.swift",
                    "Gateway/Output.swift", "Gateway/Paths.swift", "Platform/DetachedThread.swift",
                ], because: "they wrap calls of the system"),
            Exception(
                [
                    "DataPlane/ConnectionOptions.swift", "DataPlane/HeadCursor.swift",
                    "Gatekeeper/HostCache.swift",
                    "HTTPMessage/ByteScanner.swift",
                    "HTTPMessage/HeadField.swift", "JOSE/Base64URL.swift", "JOSE/JSONDocument.swift",
                    "JOSE/JSONParser+Members.swift", "JOSE/UnverifiedToken.swift",
                ], because: "they scan or compare bytes a word at a time, or by memcmp and memchr"),
        ],
        violations: [
            "let start = bytes.baseAddress", "var context: UnsafeMutableRawPointer",
            "let box = Unmanaged.passRetained(self)", "let word = bytes.loadUnaligned(as: UInt64.self)",
            "final class Key: @unchecked Sendable {}", "nonisolated(unsafe) var table = 0",
            "unowned(unsafe) let owner: Owner", "let key: OpaquePointer",
        ],
        innocents: [
            "func scan(_ bytes: UnsafeRawBufferPointer) {}", "let safe = \"UnsafePointer\"",
            "final class Key: Sendable {}",
        ],
        findings: { file in
            let words: Set = [
                "UnsafePointer", "UnsafeMutablePointer", "UnsafeRawPointer", "UnsafeMutableRawPointer",
                "UnsafeMutableBufferPointer", "UnsafeMutableRawBufferPointer", "Unmanaged", "OpaquePointer",
                "unsafeBitCast", "unsafeDowncast", "baseAddress", "loadUnaligned", "assumingMemoryBound",
                "bindMemory", "withMemoryRebound", "unsafelyUnwrapped", "withUnsafePointer",
                "withUnsafeMutablePointer",
            ]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                if words.contains(token.text) { return true }
                let last = file.token(index, -1)
                return token.text == "unchecked" && last?.is("@") == true
                    || token.text == "unsafe" && last?.is("(") == true
            }
        })

    static let borrowedBytes = HouseRule(
        claim: "Bytes are lent without bounds checks only where they are scanned",
        exceptions: [
            Exception(
                [
                    "ControlPlane/CacheControl.swift", "ControlPlane/PackedRow.swift",
                    "ControlPlane/SavedBytes.swift", "ControlPlane/SigningKeyFile.swift",
                    "ControlPlane/SigningKeyFolder.swift", "ControlPlane/TrustedFile.swift",
                    "ControlPlane/Transfer.swift", "ControlPlane/TransferResponseHead.swift",
                ], because: "they pack rows, or read what libcurl and the file brought"),
            Exception(
                [
                    "DataPlane/AddressRange.swift", "DataPlane/CertificateNames.swift",
                    "DataPlane/CertificateStore.swift", "DataPlane/TrailerSection.swift",
                    "DataPlane/ChunkedBody+Payload.swift", "DataPlane/ClientWire.swift",
                    "DataPlane/ConnectionOptions.swift",
                    "DataPlane/DescribedRequest.swift", "DataPlane/Exchange+Judging.swift",
                    "DataPlane/Exchange+KeySet.swift", "DataPlane/Exchange+Recording.swift",
                    "DataPlane/Exchange+Response.swift",
                    "DataPlane/Exchange+WebSocket.swift", "DataPlane/ForwardedAddress.swift",
                    "DataPlane/Exchange+GRPC.swift", "DataPlane/ForwardedWay.swift",
                    "DataPlane/Exchange+Answering.swift", "DataPlane/FieldSieve.swift",
                    "DataPlane/ForwardedParts.swift", "DataPlane/HeaderChanges.swift",
                    "DataPlane/Question.swift", "DataPlane/QuestionReader.swift",
                    "DataPlane/RequestDescription.swift", "DataPlane/RequestDescription+Check.swift",
                    "DataPlane/HTTP2ClientConnection+Call.swift", "DataPlane/HTTP2ClientStream+Call.swift",
                    "DataPlane/HTTP1ClientConnection.swift",
                    "DataPlane/HTTP1ClientConnection+Questions.swift",
                    "DataPlane/HTTP1ClientConnection+Request.swift",
                    "DataPlane/HTTP1ClientConnection+Response.swift",
                    "DataPlane/HTTP2ClientConnection.swift",
                    "DataPlane/HTTP2ClientConnection+Sending.swift", "DataPlane/HTTP2ClientStream.swift",
                    "DataPlane/HTTP2ClientStream+Owner.swift",
                    "DataPlane/HTTP2ClientStream+Response.swift",
                    "DataPlane/HTTP2HeadWriter.swift", "DataPlane/HTTP2Scratch.swift",
                    "DataPlane/UnindexedFields.swift",
                    "DataPlane/HTTP2UpstreamConnection.swift", "DataPlane/HTTP2UpstreamStream.swift",
                    "DataPlane/HTTP1UpstreamConnection+Response.swift", "DataPlane/HeadCursor.swift",
                    "DataPlane/KeptLines.swift", "DataPlane/PlainSocket.swift",
                    "DataPlane/ProtectedNames.swift", "DataPlane/ProxyHeaderHandler.swift",
                    "DataPlane/RequestFacts+Head.swift", "DataPlane/RequestHeadWriter.swift",
                    "DataPlane/RequestID.swift", "DataPlane/Exchange+Tracing.swift",
                    "DataPlane/HeardTrace.swift", "DataPlane/TraceParent.swift",
                    "DataPlane/TraceState.swift",
                    "DataPlane/ResponseHeadWriter.swift", "DataPlane/UpstreamWire.swift",
                ], because: "heads and bodies are read and written where they lie"),
            Exception(
                [
                    "Gatekeeper/Check.swift", "Gatekeeper/Cookies.swift", "Gatekeeper/Credential.swift",
                    "Gatekeeper/FieldValues.swift", "Gatekeeper/HeldAdmission.swift",
                    "Gatekeeper/HeaderLines.swift", "Gatekeeper/Host.swift", "Gatekeeper/HostCache.swift",
                    "Gatekeeper/IdentityHeaders.swift", "Gatekeeper/Judge.swift",
                    "Gatekeeper/JudgementWalk.swift",
                    "Gatekeeper/KeptRequest.swift", "Gatekeeper/QueryParameters.swift",
                    "Gatekeeper/RequestFacts.swift", "Gatekeeper/RequestPath.swift",
                    "Gatekeeper/ResolvedTenant.swift", "Gatekeeper/Revocations.swift",
                    "Gatekeeper/Rule.swift", "Gatekeeper/RuleParser.swift", "Gatekeeper/RuleSet.swift",
                    "Gatekeeper/RuleTrial.swift",
                    "Gatekeeper/TokenChecks.swift", "Gatekeeper/TokenVerifier.swift",
                ], because: "a request's facts are slices of its head, judged where they lie"),
            Exception(
                [
                    "Gateway/LogWriter.swift", "Gateway/Output.swift", "Gateway/Paths.swift",
                    "Gateway/RevokedToken.swift",
                    "Gateway/Schema.swift",
                ], because: "they hand bytes to the system, or to what parses them"),
            Exception(
                [
                    "HTTP1/ChunkSizeLine.swift", "HTTP1/ChunkedBody.swift", "HTTP1/FieldSection.swift",
                    "HTTP1/ProxyHeader.swift", "HTTP1/RequestHeadParser.swift",
                    "HTTP1/ResponseHeadParser.swift", "HTTP1/WebSocketFrames.swift",
                    "HTTP1/WebSocketHandshake.swift",
                ], because: "they parse what a connection has read, where it lies"),
            Exception(
                [
                    "HTTP2/HTTP2Session+Callbacks.swift", "HTTP2/HTTP2Session.swift",
                    "HTTP2/HeadAssembler.swift", "HTTP2/PseudoFields.swift",
                    "HTTP2/TrailerCopy.swift",
                ], because: "fields and payload are read where libnghttp2 has them"),
            Exception(
                [
                    "ExternalAuthorization/Call.swift", "ExternalAuthorization/CheckRequest.swift",
                    "ExternalAuthorization/CheckResponse.swift", "ExternalAuthorization/HealthMessages.swift",
                    "ExternalAuthorization/UnaryMessage.swift",
                    "ExternalAuthorization/VerdictMetadata.swift",
                    "ExternalAuthorization/WireReader.swift", "ExternalAuthorization/WireWriter.swift",
                ], because: "messages are read where a connection has them, and written of what lies in heads"
            ),
            Exception(
                [
                    "HTTPMessage/Authority.swift", "HTTPMessage/ByteScanner.swift",
                    "HTTPMessage/CollapsedName.swift", "HTTPMessage/ConnectionScheme.swift",
                    "HTTPMessage/FieldSummary.swift", "HTTPMessage/HeadBuilder.swift",
                    "HTTPMessage/HeadField.swift", "HTTPMessage/KnownField.swift",
                    "HTTPMessage/Method.swift",
                ], because: "heads are offsets into bytes that a connection lends"),
            Exception(
                [
                    "JOSE/Base64URL.swift", "JOSE/JSONDocument.swift", "JOSE/JSONObject.swift",
                    "JOSE/ES256Key.swift", "JOSE/JSONParser+Members.swift", "JOSE/JSONValue.swift",
                    "JOSE/SigningKey.swift",
                    "JOSE/TokenDigester.swift", "JOSE/TokenFingerprint.swift",
                    "JOSE/UnverifiedToken.swift", "JOSE/VerificationKey.swift",
                ], because: "they parse tokens and key sets where they lie, or hand bytes to libcrypto"),
            Exception(
                [
                    "Postgres/CStrings.swift", "Postgres/PostgresRows.swift", "Postgres/TextArray.swift",
                ], because: "they read what libpq holds"),
        ],
        violations: [
            "func scan(_ bytes: UnsafeRawBufferPointer) {}", "text.withUnsafeBytes { scan($0) }",
            "buffer.withUnsafeReadableBytes { scan($0) }", "let words: UnsafeBufferPointer<UInt8>",
        ],
        innocents: [
            "func scan(_ bytes: Span<UInt8>) {}", "// UnsafeRawBufferPointer",
            "let view = buffer.readableBytesView",
        ],
        findings: { file in
            file.findings { token, _ in
                guard token.kind == .word else { return false }
                return token.text == "UnsafeRawBufferPointer" || token.text == "UnsafeBufferPointer"
                    || token.text.hasPrefix("withUnsafe") && token.text.hasSuffix("Bytes")
                    || token.text == "withUnsafeBufferPointer"
            }
        })

    static let invariants = HouseRule(
        claim: "Every promise that the compiler cannot check has its invariant written above it",
        violations: [
            "final class Key: @unchecked Sendable {}", "\nnonisolated(unsafe) var table = 0",
            "let a = 1\n\nextension Key: @unchecked Sendable {}",
        ],
        innocents: [
            "/// Only read once made.\nfinal class Key: @unchecked Sendable {}",
            "// Written before the threads start.\nprivate nonisolated(unsafe) var table = 0",
            "/// Only read once made.\n@frozen\nfinal class Key:\n    @unchecked Sendable {}",
        ],
        findings: { file in
            var found: [Finding] = []
            for (index, token) in file.allTokens.enumerated() where token.kind == .word {
                let last = index > 0 ? file.allTokens[index - 1] : token
                guard
                    token.text == "unchecked" && last.is("@")
                        || token.text == "unsafe" && last.is("(")
                else { continue }
                // Back to the declaration's begin: a line that begins with something, below a comment or a blank.
                var begin = index
                while begin > 0 {
                    let before = file.allTokens[begin - 1]
                    if before.kind == .comment || before.kind == .documentation { break }
                    if before.is("}") || before.is("{") || file.allTokens[begin].line - before.lastLine > 1 {
                        break
                    }
                    begin -= 1
                }
                let isSaid =
                    begin > 0 && [.comment, .documentation].contains(file.allTokens[begin - 1].kind)
                    && file.allTokens[begin].line - file.allTokens[begin - 1].lastLine <= 1
                if !isSaid { found.append(file.finding(at: token)) }
            }
            return found
        })
}
