/// The bounds of this module that no setting changes; those that settings change are `HeadLimits`.
enum Limits {
    /// For so many bytes and fields a head that is written has room at once, where the one before needed as much.
    static let headRoomBytes = 4_096
    static let headRoomFields = 16
    /// A longer `timeout` of a `Keep-Alive` field is taken for so many seconds, a day: no connection waits that long.
    static let keepAliveSeconds: UInt64 = 86_400
}
