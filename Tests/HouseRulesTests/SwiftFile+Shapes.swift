/// Where functions, switches and declarations begin and end, as far as braces tell.
extension SwiftFile {
    /// For each token that opens a brace the one that closes it.
    func braces() -> [Int: Int] {
        var (pairs, open): ([Int: Int], [Int]) = ([:], [])
        for (index, token) in tokens.enumerated() where token.kind == .symbol {
            if token.text == "{" { open.append(index) }
            if token.text == "}", let start = open.popLast() { pairs[start] = index }
        }
        return pairs
    }

    /// The functions, initialisers, subscripts and computed variables that have a body, with the lines from
    /// their first word to their closing brace.
    func functions() -> [(token: Token, name: String, lines: Int)] {
        let braces = braces()
        var found: [(token: Token, name: String, lines: Int)] = []
        for (index, token) in tokens.enumerated() where token.kind == .word {
            guard ["func", "init", "deinit", "subscript", "var"].contains(token.text),
                self.token(index, -1)?.is(".") != true,
                let open = body(ofDeclarationAt: index), let close = braces[open]
            else { continue }
            let name = token.text == "func" || token.text == "var" ? self.token(index, 1)?.text : token.text
            found.append((token, name ?? token.text, tokens[close].line - token.line + 1))
        }
        return found
    }

    private static let declarations: Set = [
        "func", "init", "deinit", "subscript", "var", "let", "case", "struct", "class", "enum", "actor",
        "protocol",
        "typealias", "associatedtype", "extension", "import", "static", "private", "package", "mutating",
    ]

    /// The brace that opens the body of a declaration: the first outside parentheses, before anything else begins.
    private func body(ofDeclarationAt index: Int) -> Int? {
        let isVariable = tokens[index].text == "var"
        var depth = 0
        for next in (index + 1)..<tokens.count {
            let token = tokens[next]
            if token.kind == .symbol {
                switch token.text {
                case "(", "[": depth += 1
                case ")", "]": depth -= 1
                case "{" where depth == 0: return next
                case "}" where depth == 0: return nil
                // What follows is a stored variable's value.
                case "=" where depth == 0 && isVariable: return nil
                default: break
                }
                if depth < 0 { return nil }
            } else if depth == 0, token.isFirstOnLine, token.kind == .word, next > index + 1,
                Self.declarations.contains(token.text) || isVariable
            {
                return nil
            }
        }
        return nil
    }

    /// The `default`, or the `case _`, of each switch whose other cases all begin with a dot.
    func defaultsOfEnumSwitches() -> [Token] {
        let braces = braces()
        var found: [Token] = []
        for (index, token) in tokens.enumerated() where token.isWord("switch") {
            guard self.token(index, -1)?.is(".") != true, let open = body(ofDeclarationAt: index),
                let close = braces[open]
            else { continue }
            var (depth, isEnum, last): (Int, Bool, Token?) = (0, true, nil)
            for place in open...close {
                let token = tokens[place]
                if token.is("{") { depth += 1 }
                if token.is("}") { depth -= 1 }
                guard depth == 1, token.kind == .word else { continue }
                if token.text == "default", self.token(place, 1)?.is(":") == true {
                    last = self.token(place, -1)?.isWord("unknown") == true ? nil : token
                } else if token.text == "case", token.isFirstOnLine {
                    switch pattern(behind: place) {
                    case ".": break
                    case "_": last = token
                    case _: isEnum = false
                    }
                }
            }
            if isEnum, let last { found.append(last) }
        }
        return found
    }

    /// What a case's pattern begins with, its parentheses and bindings aside.
    private func pattern(behind index: Int) -> String {
        var place = index + 1
        while let token = token(place, 0), ["(", "let", "var"].contains(token.text) { place += 1 }
        return token(place, 0)?.text ?? ""
    }

    /// Each `package` that begins a declaration without documentation.
    func undocumentedPackageDeclarations() -> [Token] {
        let kinds: Set = [
            "struct", "class", "enum", "actor", "protocol", "typealias", "func", "var", "let", "init",
            "subscript",
            "macro",
        ]
        let modifiers: Set = [
            "final", "static", "class", "mutating", "nonmutating", "borrowing", "consuming", "override",
            "nonisolated",
            "lazy", "indirect", "convenience", "required", "weak", "unowned", "private", "fileprivate",
            "internal",
            "set", "unsafe", "isolated", "prefix", "postfix", "infix",
        ]
        var found: [Token] = []
        for (index, token) in allTokens.enumerated() where token.isWord("package") {
            // What follows: modifiers, then a declaration's keyword.
            var next = index + 1
            while next < allTokens.count,
                modifiers.contains(allTokens[next].text) && !kinds.contains(allTokens[next].text)
                    || allTokens[next].is("(") || allTokens[next].is(")")
                    || allTokens[next].isWord("class") && allTokens[next + 1].kind == .word
                        && kinds.contains(allTokens[next + 1].text)
            { next += 1 }
            guard next < allTokens.count, kinds.contains(allTokens[next].text), next > index else { continue }
            if index > 0, allTokens[index - 1].is(".") { continue }
            // `package(set)` stands behind the modifier that is meant.
            if allTokens[index + 1].is("("), !allTokens[index + 1].isSpaced, isModified(at: index) {
                continue
            }
            if !isDocumented(at: index, modifiers: modifiers) { found.append(token) }
        }
        return found
    }

    private func isModified(at index: Int) -> Bool {
        index + 2 < allTokens.count && allTokens[index + 2].isWord("set")
    }

    /// Whether documentation stands before the declaration's attributes and modifiers, which end before `index`.
    private func isDocumented(at index: Int, modifiers: Set<String>) -> Bool {
        var place = index - 1
        while place >= 0 {
            let token = allTokens[place]
            if token.kind == .documentation { return true }
            if token.is(")") {
                // An attribute's arguments.
                var depth = 0
                repeat {
                    if allTokens[place].is(")") { depth += 1 }
                    if allTokens[place].is("(") { depth -= 1 }
                    place -= 1
                } while place >= 0 && depth > 0
            } else if token.kind == .word, place > 0, allTokens[place - 1].is("@") {
                place -= 2
            } else if token.kind == .word, modifiers.contains(token.text) {
                place -= 1
            } else if token.kind == .comment, place > 0, allTokens[place - 1].kind == .documentation {
                // A swift-format directive, say, between the documentation and the declaration.
                place -= 1
            } else {
                return false
            }
        }
        return false
    }
}
