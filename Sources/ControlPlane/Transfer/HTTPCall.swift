/// A small HTTP request that a command of the program makes, such as one to the admin port.
package struct HTTPCall: Sendable {
    /// Absolute, `http` or `https`.
    package let url: String
    /// Header fields, sent as they are: neither name nor value may hold a line end.
    package let headers: [(name: String, value: String)]
    /// The body of a POST; nil makes the call a GET.
    package let postBody: [UInt8]?
    /// From the start of the call to the last byte of the response.
    package let time: Duration
    /// Gets the body of a response with status 200 as it comes, from another thread; then no time bounds the response, but
    /// 45 s without a byte end it.
    package let onBody: (@Sendable ([UInt8]) -> Void)?

    /// A call that has not been made yet.
    package init(
        url: String, headers: [(name: String, value: String)] = [], postBody: [UInt8]? = nil,
        time: Duration = Limits.transferTime, onBody: (@Sendable ([UInt8]) -> Void)? = nil
    ) {
        self.url = url
        self.headers = headers
        self.postBody = postBody
        self.time = time
        self.onBody = onBody
    }
}

/// The response to a call, whatever its status.
package struct HTTPCallResponse: Sendable {
    /// The status code, such as 200.
    package let status: Int
    /// The body, of at most 16 MiB.
    package let body: [UInt8]
}

/// Makes HTTP calls, one transfer thread for all of them.
///
/// A class, because it owns that thread, which ends with it.
package final class HTTPCaller: Sendable {
    private let thread: TransferThread

    /// Starts the thread.
    package init(egress: EgressSettings) {
        thread = TransferThread(egress: egress)
    }

    /// Makes one call and returns its response; a failure where no whole response came.
    package func response(to call: HTTPCall) async -> Result<HTTPCallResponse, TransferFailure> {
        let request = TransferRequest(
            url: call.url, headerLines: call.headers.map { "\($0.name): \($0.value)" },
            postBody: call.postBody, responseBytes: Limits.callResponseBytes, time: call.time,
            onBody: call.onBody)
        let outcome = await thread.transfer(request, FetchPriority(), thread.makeTicket())
        return outcome.map { HTTPCallResponse(status: $0.status, body: $0.body) }
    }

    /// Ends every call with `cancelled`; later ones end so at once.
    package func stop() {
        thread.stop()
    }
}
