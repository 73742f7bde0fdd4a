/// Every bound of this module, with its unit.
package enum Limits {
    /// A token in compact form, all three parts.
    package static let tokenBytes = 16_384
    /// A key set's JSON.
    package static let keySetBytes = 65_536
    /// Any JSON text, whatever its reader allows.
    package static let jsonBytes = 1 << 20
    /// Keys of one set; those after are left out.
    package static let keysPerSet = 64
    /// A `kid`.
    package static let keyIDBytes = 256
    /// What a message repeats of an `alg` that is not ours.
    static let echoedBytes = 32
    /// Arrays and objects within each other.
    static let jsonDepth = 16
    /// Members of one object.
    static let jsonMembersPerObject = 256
    /// Members up to which names are compared pair by pair; beyond that, through a table of hashes.
    static let jsonPairwiseMembers = 24
    /// Characters of one number.
    static let jsonNumberBytes = 32
    /// Exponents of numbers: ten to this power, or to its negative, is beyond every date.
    static let numberExponent = 1000
    /// The modulus of a signing key that is made here.
    package static let signingKeyBits = 2048
    /// A private key for ES256 in PEM, and the name of a curve.
    package static let keyTextBytes = 4_096
    static let curveNameBytes = 80
    /// RSA moduli (RFC 7518 §3.3 asks for 2048 bits at the least).
    static let modulusBits = 2048...8192
}
