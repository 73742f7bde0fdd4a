import JOSE

/// One check of a judgement with what it looks at, by what it is about.
///
/// The cases stand in the order in which a judgement makes the checks. What they hold is borrowed from the judgement,
/// and valid for the call in which it is handed over.
enum Check {
    case host(HostCheck)
    case rule(RuleCheck)
    case credential(CredentialCheck)
    case claim(ClaimCheck, CognitoClaims, Tenant, now: Instant)
    case caller(CallerCheck)
}

/// Checks of the host that the request is for, and of its row.
enum HostCheck {
    /// The message can be carried (RFC 9112); whoever reads requests finds that, before there is a judgement.
    case message(Refusal)
    /// There is a directory, and it is not too old; only made known where it fails. `staleAfter` is since when it is too
    /// old, nil where there is none.
    case directory(staleAfter: Instant?, now: Instant)
    /// The host leads to a row.
    case host(UnsafeRawBufferPointer)
    /// The row can be served, and is not suspended.
    case row(Directory.Entry)
    /// The row, or the configuration, names an upstream.
    case upstream(Tenant)
}

/// Checks of the method and path, where the host has rules.
enum RuleCheck {
    /// The host has no rules, so that a token is needed.
    case none
    /// The method has no lower-case letter; only made known where it fails.
    case method(UnsafeRawBufferPointer)
    /// The path can be read in one way; `normal` is how it goes upstream, nil for as it is written.
    case path(UnsafeRawBufferPointer, normal: [UInt8]?, flaw: Refusal?)
    /// Which rule decides, and which one in shadow is only reported.
    case found(Rule?, shadow: Rule?, method: UnsafeRawBufferPointer)
    /// The request is a CORS preflight, and the row asks no token of those; only made known where it is so.
    case preflight
    /// The caller has what the rule asks for.
    case needs(Rule, Identity, lacks: RuleChecks.Lack?)
    /// What a rule in shadow would have refused the request for; it never does.
    case shadow(Refusal)
}

/// Checks of the credential, before its claims are looked at.
enum CredentialCheck {
    /// There is one token; or none, where the rule's access is `optional`.
    ///
    /// Where there is none, `saysOther` tells whether `Authorization` says something else than a bearer token.
    case found(Credential, isOptional: Bool, saysOther: Bool)
    /// The page that caused a request with a token from a cookie is the host's own, or one that the row lists.
    case page(RequestFacts, Tenant)
    /// The gateway has the memory to look at the token; only made known where it fails.
    case fingerprint
    /// The token is a JWS with Cognito's claims.
    case readable(flaw: UnreadableToken?)
    /// The token was verified before, and its key is still the pool's.
    case remembered
}

/// Checks of claims that are made before a key is looked for.
enum ClaimCheck {
    case issuer, tokenUse, client, expiry, notBefore, issuedAt, age
}

/// Checks of the caller, whose claims are in order.
enum CallerCheck {
    /// The token has not reached its end: its `exp`, or the age that the row allows.
    case end(Identity, now: Instant)
    /// The pool has published the token's key; the keys are nil where none are believed.
    case key(KeyID, PoolName, PublishedKeys?, subject: ArraySlice<UInt8>)
    /// The key was not withdrawn by SQL; only made known where it was.
    case withdrawal(KeyID, PoolName, WithdrawnKeys.Withdrawal, subject: ArraySlice<UInt8>)
    /// That key made the signature.
    case signature(KeyID, PoolName, subject: ArraySlice<UInt8>, isGenuine: Bool)
    /// No entry of `poolgate.revocations` covers the token; else the one that does.
    case revocation(Identity, RevocationMatch?)
    /// The caller is in one of the row's groups.
    case groups(Identity, Tenant)
    /// The token has one of the row's scopes.
    case scopes(Identity, Tenant)
}

/// Hears of each check of a judgement as it is made: an `Explanation`, `JudgementNotes`, or `Unheard`.
///
/// A protocol and not an optional closure, because the compiler then makes one judgement for each of the two, and the
/// one that nobody listens to has no trace of the checks' descriptions.
protocol CheckListener {
    /// Takes a check; `refusal` is what it refuses the request for, nil where it passed.
    mutating func hear(_ check: @autoclosure () -> Check, _ refusal: Refusal?)

    /// Takes the rule that decides; nil where none is for the path.
    mutating func decides(_ rule: Rule?)
}

/// Listens to nothing: for judgements of which nobody is told.
struct Unheard: CheckListener {
    @inline(__always)
    mutating func hear(_ check: @autoclosure () -> Check, _ refusal: Refusal?) {}
}

extension CheckListener {
    @inline(__always)
    mutating func decides(_ rule: Rule?) {}

    /// Makes a check known, and throws its refusal where it does not hold.
    @inline(__always)
    mutating func check(
        _ check: @autoclosure () -> Check, _ holds: Bool, else refusal: @autoclosure () -> Refusal
    ) throws(Refusal) {
        guard holds else { throw refused(check(), refusal()) }
        passed(check())
    }

    /// Makes a check known that passed.
    @inline(__always)
    mutating func passed(_ check: @autoclosure () -> Check) { hear(check(), nil) }

    /// Makes a check known that failed; returns its refusal, to be thrown.
    @inline(__always)
    mutating func refused(_ check: @autoclosure () -> Check, _ refusal: Refusal) -> Refusal {
        hear(check(), refusal)
        return refusal
    }
}
