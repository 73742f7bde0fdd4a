/// What a judgement is for: a new request, or one that was admitted before and is still open.
enum Asker {
    /// A request that just came. Where it has waited for a key, this is what its pool's actor said of the key.
    case new(KeyLookupResult?)
    /// A connection that outlives its request, such as a WebSocket. Its token was verified when the request was admitted,
    /// and its signature is not verified again.
    case open(HeldAdmission)
}
