import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// Why a listener could not be opened, in words that tell an operator what to do.
enum ListenFailure {
    /// A sentence without its full stop, made of the setting's flag, its address and the system's error.
    static func sentence(_ flag: String, _ address: ListenAddress, _ error: any Error) -> String {
        "\(flag) \(address) cannot be listened on: \(reason(error, address))"
    }

    private static func reason(_ error: any Error, _ address: ListenAddress) -> String {
        if error is SocketAddressError || error is SocketAddressError.UnknownHost {
            return
                "the name '\(address.host)' does not resolve; write an address of this machine, or 0.0.0.0 for all"
        }
        guard let error = error as? IOError else { return "\(error)" }
        switch error.errnoCode {
        case EADDRINUSE:
            return "another program listens on port \(address.port) "
                + "('ss -ltnp sport = :\(address.port)' shows which); end it, or choose another port"
        case EACCES:
            return "this user may not listen on port \(address.port); choose one from 1024 on, "
                + "or give the program CAP_NET_BIND_SERVICE"
        case EADDRNOTAVAIL:
            return "this machine has no address \(address.host); write one of its own, or 0.0.0.0 for all"
        case EAFNOSUPPORT: return "this machine has no IPv6; write an IPv4 address"
        default: return "\(String(cString: strerror(error.errnoCode)))"
        }
    }
}
