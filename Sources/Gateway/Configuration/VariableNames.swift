/// Finds environment variables that begin with `POOLGATE_` and are no setting, so that a misspelt setting is not silently
/// ignored.
enum VariableNames {
    /// One sentence for each of them. Empty variables count as unset.
    static func mistakes(in environment: [String: String]) -> [String] {
        let known = (Setting.all + [.file]).map(\.variable)
        return environment.filter { name, value in
            name.hasPrefix(Setting.prefix) && !value.isEmpty && !known.contains(name)
                && !isServiceLink(name, value)
        }.keys.sorted().map { name in
            let advice = Resemblance.nearest(to: name, among: known).map { "; did you mean \($0)?" }
            return "\(Printable.text(name)) is no setting\(advice ?? "")"
        }
    }

    /// Whether Kubernetes or Docker set the variable because of a service whose name begins with `poolgate`, such as
    /// `POOLGATE_PORT`, `POOLGATE_SERVICE_HOST`, `POOLGATE_ADMIN_SERVICE_PORT_HTTP`, `POOLGATE_PORT_80_TCP_ADDR`.
    static func isServiceLink(_ name: String, _ value: String) -> Bool {
        name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
            || name.hasSuffix("_PORT") && value.contains("://")
            || name.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
    }
}
