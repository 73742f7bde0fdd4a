import CLibCurl

/// One transfer under way: a libcurl easy handle, and what it has received so far.
///
/// A class, because libcurl's callbacks get its address, which counts as no reference. The address stays valid because
/// `TransferLoop` holds the transfer in its table from `init` to `end`, and `end` frees the handle, after which libcurl
/// calls nothing. All of this happens on the transfer thread.
final class Transfer {
    let easy: UnsafeMutableRawPointer
    private let host: String
    private let responseBytes: Int
    private let onBody: (@Sendable ([UInt8]) -> Void)?
    private let errorText: UnsafeMutableBufferPointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var head = TransferResponseHead()
    private var headBytes = 0
    private var body: [UInt8] = []
    /// Which bound of the response was passed.
    private var overflowed: TransferFailure?
    /// Whether the empty line after the head has come.
    private var isHeadOver = false

    /// Prepares the transfer; nil where libcurl refuses the URL or is out of memory.
    init?(_ request: TransferRequest, egress: EgressSettings) {
        guard let isPlain = Transfer.isPlain(request.url), let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.host = Transfer.host(of: request.url)
        self.responseBytes = request.responseBytes
        self.onBody = request.onBody
        self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0)
        guard setUp(request, egress: egress, isPlain: isPlain) else {
            end()
            return nil
        }
    }

    /// Frees the handle, which has left its multi handle. Call once.
    func end() {
        curl_easy_cleanup(easy)
        if let headerList { curl_slist_free_all(headerList) }
        headerList = nil
        errorText.deallocate()
    }

    /// What the transfer came to, after libcurl said that it ended with `code`.
    func outcome(_ code: CURLcode) -> TransferOutcome {
        if let overflowed { return .failure(overflowed) }
        guard code == CURLE_OK else {
            return .failure(
                TransferFailure(code, host: host, phase: phase, isHeadOver: isHeadOver, detail: detail))
        }
        if head.hasContentCoding { return .failure(.encoding) }
        var status = 0
        guard poolgate_curl_status(easy, &status) == CURLE_OK else {
            return .failure(.broken(detail: "no status"))
        }
        return .success(TransferResponse(status: status, head: head, body: body))
    }

    /// Sets every option of the handle; false where libcurl refuses one.
    private func setUp(_ request: TransferRequest, egress: EgressSettings, isPlain: Bool) -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            poolgate_curl_set_text(easy, CURLOPT_URL, request.url),
            poolgate_curl_set_only_protocol(easy, isPlain ? 1 : 0),
            poolgate_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText.baseAddress),
            poolgate_curl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            poolgate_curl_set_quick_exit(easy),
            poolgate_curl_set_http_1_1(easy),
            poolgate_curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
            poolgate_curl_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0),
            poolgate_curl_set_long(
                easy, CURLOPT_TIMEOUT_MS, request.onBody == nil ? request.time.wholeMilliseconds : 0),
            poolgate_curl_set_long(
                easy, CURLOPT_CONNECTTIMEOUT_MS, min(Limits.connectTime, request.time).wholeMilliseconds),
            poolgate_curl_set_text(easy, CURLOPT_USERAGENT, "poolgate"),
            // An empty proxy, and exceptions for all hosts, keep libcurl from reading the environment's proxies.
            poolgate_curl_set_text(easy, CURLOPT_PROXY, egress.proxy ?? ""),
            poolgate_curl_set_text(easy, CURLOPT_NOPROXY, egress.proxy == nil ? "*" : ""),
            poolgate_curl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            poolgate_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1),
            poolgate_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2),
            poolgate_curl_set_tls_1_2(easy),
            poolgate_curl_set_pointer(easy, CURLOPT_WRITEDATA, context),
            poolgate_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION, receiveBody),
            poolgate_curl_set_pointer(easy, CURLOPT_HEADERDATA, context),
            poolgate_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION, receiveHead),
        ]
        codes += isPlain && egress.proxy == nil ? [] : authorities(egress)
        if request.onBody != nil {
            codes.append(poolgate_curl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1))
            codes.append(
                poolgate_curl_set_long(
                    easy, CURLOPT_LOW_SPEED_TIME, Int(Limits.streamSilence.components.seconds)))
        }
        if let body = request.postBody {
            codes.append(poolgate_curl_set_long(easy, CURLOPT_POST, 1))
            codes.append(body.withUnsafeBytes { poolgate_curl_set_post_body(easy, $0.baseAddress, $0.count) })
        }
        // No content coding is wanted (RFC 9110 §12.5.3), since the body is not decoded.
        for line in ["Accept-Encoding: identity"] + request.headerLines {
            guard let longer = curl_slist_append(headerList, line) else { return false }
            headerList = longer
        }
        codes.append(poolgate_curl_set_headers(easy, headerList))
        return codes.allSatisfy { $0 == CURLE_OK }
    }

    /// Sets which authorities may sign the certificates of endpoint and proxy: those of the file alone, or the system's.
    private func authorities(_ egress: EgressSettings) -> [CURLcode] {
        var codes = [poolgate_curl_set_only_named_certificates(easy)]
        if let caFile = egress.caFile {
            for option in [CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO] {
                codes.append(poolgate_curl_set_text(easy, option, caFile))
            }
            // Without this, libcurl would trust its folder of the system's authorities as well.
            for option in [CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH] {
                codes.append(poolgate_curl_set_text(easy, option, nil))
            }
        }
        return codes
    }

    fileprivate func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        var status = 0
        if let onBody, poolgate_curl_status(easy, &status) == CURLE_OK, status == 200 {
            onBody(Array(bytes))
            return true
        }
        guard bytes.count <= responseBytes - body.count else {
            overflowed = .tooLarge(bytes: responseBytes)
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    fileprivate func take(headLine line: UnsafeRawBufferPointer) -> Bool {
        guard line.count <= Limits.responseHeadBytes - headBytes else {
            overflowed = .headTooLarge(bytes: Limits.responseHeadBytes)
            return false
        }
        headBytes += line.count
        isHeadOver = CacheControl.trimmed(line[...]).isEmpty
        head.take(line: line)
        return true
    }

    /// How far the transfer has come.
    private var phase: TransferFailure.Phase {
        var resolved: curl_off_t = 0
        var ready: curl_off_t = 0
        _ = poolgate_curl_time(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved)
        _ = poolgate_curl_time(easy, CURLINFO_PRETRANSFER_TIME_T, &ready)
        if ready > 0 { return .responding }
        return resolved > 0 ? .connecting : .resolving
    }

    /// libcurl's own description of what went wrong, in printable ASCII; empty where it gives none.
    private var detail: String {
        let shown = errorText.prefix { $0 != 0 }.prefix(Limits.failureDetailBytes).map {
            let byte = UInt8(bitPattern: $0)
            return byte >= 0x20 && byte < 0x7F ? byte : UInt8(ascii: "?")
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// Whether the URL is plain `http`, and not `https`; nil for anything else.
    private static func isPlain(_ url: String) -> Bool? {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        if url.utf8.starts(with: "https://".utf8) { return false }
        return url.utf8.starts(with: "http://".utf8) ? true : nil
    }

    private static func host(of url: String) -> String {
        let rest = url.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        // The host follows a user name and password, where there are any.
        let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[authority.index(after: $0)...] }
        return String(decoding: host ?? authority, as: UTF8.self)
    }
}

extension Duration {
    /// Whole milliseconds; at least 1, because 0 means "no bound" to libcurl.
    fileprivate var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        return overflow ? Int(Int32.max) : max(1, Int(product) + Int(attoseconds / 1_000_000_000_000_000))
    }
}

/// CURLOPT_WRITEFUNCTION: takes part of the body. A return value below the offered size makes libcurl end the transfer.
private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    receive(bytes, size, count, context) { $0.take(body: $1) }
}

/// CURLOPT_HEADERFUNCTION: takes one line of the head, likewise.
private func receiveHead(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    receive(bytes, size, count, context) { $0.take(headLine: $1) }
}

private func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ take: (Transfer, UnsafeRawBufferPointer) -> Bool
) -> Int {
    let (total, overflow) = size.multipliedReportingOverflow(by: count)
    guard let context, !overflow else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    let isTaken = take(transfer, UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : total))
    return isTaken ? total : 0
}
