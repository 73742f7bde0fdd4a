/// The bounds of this module that no setting changes; those that settings change are `HeadLimits`.
enum Limits {
    /// A longer `timeout` of a `Keep-Alive` field is taken for so many seconds, a day: no connection waits that long.
    static let keepAliveSeconds: UInt64 = 86_400
}
