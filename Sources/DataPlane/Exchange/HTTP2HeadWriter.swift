import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// Hands the fields of heads to an HTTP/2 session: without those of one connection, and with folds as single spaces.
///
/// What a field's value is written into anew lives until `submit` has returned, as the session asks.
enum HTTP2HeadWriter {
    /// Writes the head of a response, which `bytes` begins with; `length` where it is to say how long the body is,
    /// `id` the request's name where the head is to say it.
    static func write(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, length: UInt64?,
        id: RequestID?, to session: HTTP2Session, submit: () -> Void
    ) {
        let room = head.headLength + Limits.responseFramingBytes
        withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { memory in
            var scratch = HTTP2Scratch(memory)
            session.beginHead()
            session.addField(":status", scratch.decimal(UInt64(head.status)))
            let nominated = head.connectionNamesOthers ? ConnectionOptions(head.fields, bytes) : nil
            for (index, field) in head.fields.enumerated()
            where ResponseHeadWriter.isPassedOn(field.known) && !(nominated?.name(index) ?? false) {
                let name = UnsafeRawBufferPointer(rebasing: bytes[field.name.range])
                session.addField(
                    name, scratch.value(of: field, bytes),
                    unindexed: field.isUnindexed || field.known.isUnindexed)
            }
            if let length { session.addField("content-length", scratch.decimal(length)) }
            if let id { session.addField("x-request-id", scratch.id(id), unindexed: true) }
            submit()
        }
    }

    /// Writes the head of a response of our own.
    static func write(
        status: Int, _ fields: RefusalFields, to session: HTTP2Session, submit: () -> Void
    ) {
        Array(String(status).utf8).withUnsafeBytes { status in
            session.beginHead()
            session.addField(":status", status)
            write(fields, to: session, submit: submit)
        }
    }

    /// Writes the head of an answer that says yes, whose fields are given as lines of HTTP/1.
    static func write(answer lines: UnsafeRawBufferPointer, to session: HTTP2Session, submit: () -> Void) {
        session.beginHead()
        session.addField(":status", word("200"))
        HeaderLines.each(lines) { session.addField($0, $1, unindexed: UnindexedFields.isAlways($0)) }
        submit()
    }

    /// Writes the head of a gRPC response of our own.
    static func writeCallHead(to session: HTTP2Session, submit: () -> Void) {
        session.beginHead()
        session.addField(":status", word("200"))
        session.addField("content-type", word("application/grpc"))
        submit()
    }

    /// Writes trailers of our own.
    static func write(trailers: RefusalFields, to session: HTTP2Session, submit: () -> Void) {
        session.beginHead()
        write(trailers, to: session, submit: submit)
    }

    private static func write(_ fields: RefusalFields, to session: HTTP2Session, submit: () -> Void) {
        let bytes = fields.list.flatMap { Array($0.name.utf8) + $0.value }
        bytes.withUnsafeBytes { bytes in
            var start = 0
            for field in fields.list {
                let middle = start + field.name.utf8.count
                let end = middle + field.value.count
                defer { start = end }
                // HTTP/2 has no such field (RFC 9113 §8.2.2).
                if field.name.utf8.elementsEqual(RefusalField.upgrade.name.utf8) { continue }
                let name = UnsafeRawBufferPointer(rebasing: bytes[start..<middle])
                session.addField(
                    name, UnsafeRawBufferPointer(rebasing: bytes[middle..<end]),
                    unindexed: UnindexedFields.isAlways(name))
            }
            submit()
        }
    }

    /// Begins the head of a request, given as HTTP/1 has it, which lives as long as `bytes`. Fields of one connection have
    /// been left out when it was written, but for what HTTP/2 says in another way. `unindexed` are those that its client
    /// had enter no table.
    static func write(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, isSecure: Bool, sendsTrailers: Bool,
        unindexed: UnindexedFields, to session: HTTP2Session
    ) {
        func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[range])
        }
        let target =
            head.targetForm == .asterisk
            ? word("*") : slice(Int(head.path.start)..<Int(head.query.end))
        session.beginHead()
        session.addField(":method", slice(head.methodName.range))
        session.addField(":scheme", word(isSecure ? "https" : "http"))
        session.addField(":authority", slice(head.authority.range), unindexed: unindexed.hasTarget)
        session.addField(":path", target, unindexed: unindexed.hasTarget)
        for field in head.fields {
            switch field.known {
            case .host, .connection, .transferEncoding, .upgrade, .keepAlive, .proxyConnection, .te: break
            case .other, .contentLength, .authorization, .expect, .trailer, .proxyAuthenticate,
                .proxyAuthorization, .via, .cookie, .origin, .fetchSite, .requestedMethod, .referer,
                .wwwAuthenticate, .persistentAuth, .forwardedFor, .forwardedProto, .forwardedPort,
                .webSocketKey, .webSocketVersion, .webSocketAccept, .requestID, .traceparent, .tracestate:
                session.addField(
                    slice(field.name.range), slice(field.value.range),
                    unindexed: unindexed.contains(field, bytes))
            }
        }
        if sendsTrailers { session.addField("te", word("trailers")) }
    }

    static func word(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Writes trailers; `submit` is told whether there are any.
    static func write(
        _ trailers: TrailerSection, stripped: StrippedNames = StrippedNames(), to session: HTTP2Session,
        submit: (Bool) -> Void
    ) {
        trailers.bytes.withUnsafeReadableBytes { bytes in
            withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 1) { memory in
                var scratch = HTTP2Scratch(memory)
                session.beginHead()
                var hasAny = false
                for field in trailers.fields
                where TrailerWriter.isPassedOn(field, bytes) && !field.isStripped(by: stripped, bytes) {
                    hasAny = true
                    let name = UnsafeRawBufferPointer(rebasing: bytes[field.name.range])
                    session.addField(
                        name, scratch.value(of: field, bytes),
                        unindexed: field.isUnindexed || field.known.isUnindexed)
                }
                submit(hasAny)
            }
        }
    }
}
