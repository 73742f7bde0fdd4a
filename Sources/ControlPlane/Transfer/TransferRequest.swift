/// One HTTP request for libcurl to make, with the bounds of its response.
struct TransferRequest: Sendable {
    /// Absolute, `http` or `https`.
    let url: String
    /// Whole header lines, `Name: value`, without a line end.
    var headerLines: [String] = []
    /// The body of a POST; nil makes the request a GET.
    var postBody: [UInt8]?
    /// A longer response body ends the transfer with `tooLarge`.
    let responseBytes: Int
    /// From the start of the transfer to the last byte of the response.
    var time: Duration = Limits.transferTime
    /// Gets the body of a response with status 200 as it comes, on the transfer thread; then the response has none, and
    /// no time bounds it, but a silence of `Limits.streamSilence` ends it.
    var onBody: (@Sendable ([UInt8]) -> Void)?
}

/// A whole response, whatever its status.
struct TransferResponse: Sendable {
    let status: Int
    let head: TransferResponseHead
    let body: [UInt8]
}

/// What a transfer came to.
typealias TransferOutcome = Result<TransferResponse, TransferFailure>
