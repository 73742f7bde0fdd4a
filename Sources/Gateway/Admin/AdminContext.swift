import Hummingbird

/// What goes with a request to the admin port: from which address it comes.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer's address in its text form, without a port; nil where its socket has none any more.
    let address: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        address = source.channel.remoteAddress?.ipAddress
    }
}
