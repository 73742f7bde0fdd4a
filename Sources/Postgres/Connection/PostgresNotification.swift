/// What somebody sent with NOTIFY on a channel that the connection listens to.
package struct PostgresNotification: Hashable, Sendable {
    /// The channel's name.
    package let channel: String
    /// At most 8,000 bytes. Any user of the database may have sent it.
    package let payload: String
}
