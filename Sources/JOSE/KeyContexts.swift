import COpenSSL
import Synchronization

/// What OpenSSL holds for one operation with a key, prepared once and used again: to prepare it costs more than to look it
/// up.
///
/// Never more than operations at one time, and freed with its key.
struct KeyContexts: ~Copyable, Sendable {
    private let prepare: @Sendable (OpaquePointer) -> Bool
    private let unused = Mutex<[Context]>([])

    /// One operation's state.
    ///
    /// Sendable without the compiler's proof: it is moved between threads under the lock, and never shared.
    private struct Context: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// No contexts yet; `prepare` makes a new one ready for the operation, false where OpenSSL does not.
    init(prepare: @escaping @Sendable (OpaquePointer) -> Bool) {
        self.prepare = prepare
    }

    deinit {
        unused.withLock { unused in
            for context in unused { EVP_PKEY_CTX_free(context.pointer) }
        }
    }

    /// Calls `body` with a context for `key`, the same key each time; nil where OpenSSL makes none.
    func use<Result>(for key: OpaquePointer, _ body: (OpaquePointer) -> Result) -> Result? {
        guard let context = take(for: key) else { return nil }
        defer { unused.withLock { $0.append(context) } }
        return body(context.pointer)
    }

    private func take(for key: OpaquePointer) -> Context? {
        if let used = unused.withLock({ $0.popLast() }) { return used }
        guard let pointer = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return nil }
        guard prepare(pointer) else {
            ERR_clear_error()
            EVP_PKEY_CTX_free(pointer)
            return nil
        }
        return Context(pointer: pointer)
    }
}
