extension Setting {
    /// The settings of the keys that sign assertions.
    static let assertions = [
        folder(
            "signing-keys",
            """
            folder of PEM keys NAME.pem (EC, P-256) by which requests get a signed assertion, read again as they change
            """
        ) { $0.signingKeys = $1 },
        time(
            "signing-key-delay", initial: "15m",
            "how long a new key is published before it signs; longer than those who verify keep the key set",
            in: .zero ... .seconds(2_592_000)
        ) { $0.signingKeyDelay = $1 },
        Setting("assertion-issuer", "TEXT", initial: "poolgate", "whom assertions name as their issuer (iss)")
        {
            guard $0.utf8.count <= Limits.assertionIssuerBytes,
                $0.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                return
                    "is no text of at most \(Limits.assertionIssuerBytes) printable ASCII characters without spaces"
            }
            $1.assertionIssuer = $0
            return nil
        },
        toggle(
            "publish-signing-keys",
            "show the assertions' key set on the proxy too, for every host: /.well-known/poolgate/jwks.json",
            \.publishesSigningKeys),
    ]
}
