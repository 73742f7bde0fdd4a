/// What may not end the process, and what may not be hidden.
extension HouseRule {
    static let traps = HouseRule(
        claim: "Nothing from outside can reach a trap",
        violations: [
            "fatalError()", "preconditionFailure(\"never\")", "precondition(count > 0)",
            "let key = try! parse(bytes)", "let user = value as! User", "let x = first.unsafelyUnwrapped",
        ],
        innocents: [
            "assert(count > 0)", "let text = \"fatalError()\"", "let key = try? parse(bytes)",
            "// precondition: the lock is held",
        ],
        findings: { file in
            let words: Set = [
                "fatalError", "preconditionFailure", "precondition", "unsafelyUnwrapped",
                "assertionFailure",
            ]
            return file.findings { token, index in
                guard token.kind == .word else { return false }
                if words.contains(token.text) { return true }
                return (token.text == "try" || token.text == "as") && file.isForced(behind: index)
            }
        })

    static let forceUnwraps = HouseRule(
        claim: "No optional is unwrapped by force",
        violations: [
            "let a = b!", "let a = b![0]", "let a = c()!.d", "let a = \"\\(b!)\"", "var a: Handle!",
            "let a = list[0]!", "let a = b!\n    .c", "a! = 5",
        ],
        innocents: [
            "let a = !b", "if a != b, !c {}", "let a = list.filter { !$0 }", "#if !DEBUG\n#endif",
            "let a = \"b!\"", "let a = try? b()", "let a = b!==c",
        ],
        findings: { file in
            file.findings { token, index in
                guard token.is("!"), !token.isSpaced, let last = file.token(index, -1) else { return false }
                if let next = file.token(index, 1), next.is("="), !next.isSpaced { return false }
                switch last.kind {
                case .word: return last.text != "try" && last.text != "as"
                case .number, .string, .regex: return true
                case .symbol: return [")", "]", "}", "?", ">"].contains(last.text)
                case .comment, .documentation: return false
                }
            }
        })

    static let access = HouseRule(
        claim: "Nothing is public or open",
        violations: [
            "public struct A {}", "    public func b() {}", "open class A {}", "public import NIOCore",
        ],
        innocents: ["package struct A {}", "let fd = open(path, O_RDONLY)", "// public", "case open(Int)"],
        findings: { file in
            file.findings { token, index in
                guard token.isWord("public") || token.isWord("open") else { return false }
                let next = file.token(index, 1)
                return next?.kind == .word && token.isFirstOnLine
                    || token.text == "public" && file.token(index, -1)?.is(".") != true && next?.kind == .word
            }
        })
}

extension SwiftFile {
    /// Whether an exclamation mark stands right behind this token.
    func isForced(behind index: Int) -> Bool {
        guard let next = token(index, 1) else { return false }
        return next.is("!") && !next.isSpaced
    }
}
