import ControlPlane
import Gatekeeper
import JOSE

/// Key sets for tests: two RSA keys, under whatever names a test likes.
enum TestKeys {
    /// Moduli of two keys of 2048 bits, made once; nobody kept the private halves.
    private static let moduli = [
        """
        wRdyI9KrQAaLTrCCLI-yg56EreI7YQ_rKslovkA1FtVneXpPB6vOrx2EELgk1JAoigK5uGMwwOlMnvPUBLPOBm1LOk\
        atrvpUS15_qp4SHGLzBesgO7h3ui7ron_2eDgUo5Eo_tEuyQH_IeRn9GeJyQElTivferg7hd7a1Q0ePVMpQnh_YAPE\
        BYaHaIL6M7QGVEPBv75_XT5ffj2wx3pm_llsVixZUmBhtjbn5QY-nhyIH3qabz13E9Ewb-CQwgXitjmJ54yUJO5iaM\
        5vm4VrKQYp0dMENg0Wm2AqiQa2tWoquCmNd9UY1O8_OGx6VSP4RTWKXbwjYQRSuDbRbBHV9Q
        """,
        """
        yJiO1fM6BqmctgORHHljbT5yg6lgOJolRvlTnlkW4XmzH9vSr1pIzxgUKK7Eacvn6nFiPIEbMpyWrdh_rdGw70PA6v\
        pT0V4aQ5719FoOcjc6lmPmQUaOKMkRVCTMuM6kZAvp777ZOzCEROd3To4G3GKz5IjVzvKoq3sRQaogJAvP7bMljtMw\
        rfksx-0vsoBd5Ft-LcSiW5WLD34hbBuK9Zfakt26wpsLEu-bVE45OE-hxXAXzEQYR3SL7yVPw9e0EdT8SQ4DqpjAQU\
        1kjWR0sNOvNrou1OxX7LjcupIrCLO_vDuL7JxHYjYlYfNCBy94Rw1NydjH70X_SKq2_UDHNw
        """,
    ]

    /// The text of a key set; `variant` 1 gives every key another modulus under the same `kid`.
    static func json(_ kids: [String], variant: Int = 0) -> [UInt8] {
        let keys = kids.map {
            #"{"alg":"RS256","e":"AQAB","kid":"\#($0)","kty":"RSA","n":"\#(moduli[variant])","use":"sig"}"#
        }
        return Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8)
    }

    static func set(_ kids: String..., variant: Int = 0) throws -> JSONWebKeySet {
        try JSONWebKeySet(parsing: json(kids, variant: variant))
    }

    static func set(of kids: [String]) throws -> JSONWebKeySet {
        try JSONWebKeySet(parsing: json(kids))
    }

    static func fetched(_ kids: String..., fresh: Int? = nil) throws -> KeyFetchResult {
        .success(FetchedKeys(keySet: try set(of: kids), freshSeconds: fresh))
    }

    static func kid(_ text: String) -> KeyID {
        KeyID(Array(text.utf8)) ?? KeyID([0x3F])!
    }

    static func pool(_ name: String) -> PoolName {
        PoolName(region: Region("eu-west-1")!, poolID: PoolID("eu-west-1_\(name)")!)!
    }
}
