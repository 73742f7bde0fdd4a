/// Where in a request a token stands.
package enum TokenPlace: String, Sendable {
    case authorization, cookie, query

    /// The place, for a sentence.
    package var words: String {
        switch self {
        case .authorization: "Authorization"
        case .cookie: "the row's cookie"
        case .query: "the row's query parameter"
        }
    }
}
