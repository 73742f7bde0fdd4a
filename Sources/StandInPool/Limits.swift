/// Every bound of the stand-in, with its unit.
enum Limits {
    /// How much of a request's body its echo shows.
    static let shownBodyBytes = 4096
    /// How many connections the system keeps for a listener that has not accepted them yet.
    static let listenBacklog: Int32 = 4096
    /// The key set of an endpoint that fails by sending too much.
    static let hugeKeySetBytes = 1024 * 1024
    /// How slowly an endpoint sends that fails by being slow.
    static let slowMillisecondsPerByte: Int64 = 1000
    /// How long a token is good for where its order does not say.
    static let tokenSeconds = 3600
}
