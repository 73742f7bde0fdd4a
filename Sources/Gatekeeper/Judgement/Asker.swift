/// Who asks for a judgement: this alone tells a new request from one that is open.
enum Asker {
    /// A request that just came; with what its pool said of its key, where it has waited for that.
    case new(KeyLookupResult?)
    /// What was let in before, such as a WebSocket: its token was verified then, and is not again.
    case open(HeldAdmission)
}
