/// The bounds of this module that no setting changes.
package enum Limits {
    /// One message of a caller, in bytes, without its prefix: fields that fill the longest head that is read, twice over,
    /// and a certificate or a little of a body beside it. Who wants more sends bodies along, which nobody reads.
    package static let messageBytes = 256 * 1024
    /// What stands in front of a message, in bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
    package static let prefixBytes = 5
    /// Fields of one request that is asked about; the gateway's own bound is a setting, and stands far below.
    static let fields = 1024
    /// For how many of them there is room at first.
    static let expectedFields = 32
    /// Groups, each in the one before. Envoy sends none.
    static let nestedGroups = 32
    /// A varint of 64 bits, in bytes (Protocol Buffers, "Base 128 Varints").
    static let varintBytes = 10
}
