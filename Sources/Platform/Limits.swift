/// Every bound of this module, with its unit.
enum Limits {
    /// Sockets of one family that listen on one port and are told; programs that share a port have one each.
    static let listenersOnPort = 256
}
