/// What somebody looks for in one of the overview's lists.
struct ListQuery: Sendable, Equatable {
    /// The list, whose fields in the address begin with its name.
    enum List: Sendable, Equatable {
        case tenants, pools

        /// The names of the list's fields: what is searched for, which state, and where the page stands.
        var names: (search: StaticString, state: StaticString, after: StaticString, before: StaticString) {
            switch self {
            case .tenants: ("q", "state", "after", "before")
            case .pools: ("pool", "pool-state", "pool-after", "pool-before")
            }
        }

        /// The section in which the list stands.
        var section: StaticString {
            switch self {
            case .tenants: "tenants"
            case .pools: "pools"
            }
        }
    }

    let list: List
    /// What names must contain; empty for all.
    var search = ""
    /// The one state that is shown; nil for all.
    var state: ServedState?
    var place = ListPlace.first

    /// Reads the fields of an address. What is no state is none; a text that is too long is cut.
    init(_ list: List, _ fields: FormFields) {
        self.list = list
        let names = list.names
        search = String((fields[names.search] ?? "").prefix(Limits.searchedCharacters))
        state = fields[names.state].flatMap(ServedState.init)
        if let key = fields[names.after] {
            place = .after(Array(key.utf8.prefix(Limits.searchedCharacters)))
        } else if let key = fields[names.before] {
            place = .before(Array(key.utf8.prefix(Limits.searchedCharacters)))
        }
    }

    /// The same in the list of another state, from its first page.
    func with(state: ServedState?) -> ListQuery {
        var copy = self
        copy.state = state
        copy.place = .first
        return copy
    }

    /// The same at another place.
    func at(_ place: ListPlace) -> ListQuery {
        var copy = self
        copy.place = place
        return copy
    }

    /// The fields that lead here, as `init` reads them.
    var fields: [(name: StaticString, value: String?)] {
        var (after, before): (String?, String?)
        switch place {
        case .first: break
        case .after(let key): after = String(decoding: key, as: UTF8.self)
        case .before(let key): before = String(decoding: key, as: UTF8.self)
        }
        let names = list.names
        return [
            (names.search, search.isEmpty ? nil : search), (names.state, state?.rawValue),
            (names.after, after),
            (names.before, before),
        ]
    }
}
