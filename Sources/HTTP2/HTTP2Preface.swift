/// What a client's connection begins with (RFC 9113 §3.4).
package enum HTTP2Preface {
    /// 24 bytes, which no request of HTTP/1 begins with.
    package static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}
