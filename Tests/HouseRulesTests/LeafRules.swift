/// What is written once, and called wherever it is needed.
extension HouseRule {
    static let caseFolding = HouseRule(
        claim: "ASCII case is folded in one place",
        exceptions: [
            Exception(["HTTPMessage/ASCII.swift"], because: "it is that place"),
            Exception(
                ["HTTPMessage/CollapsedName.swift"],
                because: "a name's folding is one step with its hash; a test holds it to the other one"),
            Exception(
                [
                    "JOSE/JSONParser.swift", "JOSE/TokenHeader.swift", "Postgres/ConnectionText.swift",
                    "Postgres/TextArray.swift", "ControlPlane/CacheControl.swift",
                ], because: "their modules know nothing of HTTP messages"),
        ],
        violations: [
            "let lower = byte | 0x20", "byte |= 0x20", "let upper = byte & 0xDF", "let upper = byte & ~0x20",
            "let upper = byte ^ 0x20", "switch byte {\ncase 0x41...0x5A: a()\ndefault: b()\n}",
            "let isUpper = byte &- 0x41 < 26", "let lower = byte | 32",
        ],
        innocents: [
            "let isBlank = byte == 0x20 || byte == 9", "let mask = word & 0xFF", "// byte | 0x20",
            "let isDigit = byte &- 0x30 < 10",
        ],
        findings: { file in
            let masks: Set = ["0x20", "0xdf", "32"]
            return file.findings { token, index in
                guard token.kind == .number else { return false }
                let number = token.text.lowercased()
                guard let last = file.token(index, -1) else { return false }
                if number == "0x41" {
                    return last.is("-") && file.token(index, -2)?.is("&") == true
                        || file.token(index, 1)?.is(".") == true
                }
                guard last.kind == .symbol else { return false }
                if masks.contains(number) {
                    if last.is("~") { return file.token(index, -2)?.is("&") == true }
                    if last.is("=") {
                        let operation = file.token(index, -2)
                        return !last.isSpaced && ["|", "&", "^"].contains(operation?.text)
                    }
                    let isDouble = file.token(index, -2)?.is(last.text) == true && !last.isSpaced
                    return ["|", "&", "^"].contains(last.text) && !isDouble
                }
                return false
            }
        })

    static let wallClock = HouseRule(
        claim: "The wall clock is read in one place",
        exceptions: [
            Exception(["Platform/WallClock.swift"], because: "it is that place"),
            Exception(
                ["Platform/MonotonicClock.swift"], because: "it reads the clock that is never set"),
            Exception(["StandInPool/TokenMint.swift"], because: "the stand-in is a program of its own"),
        ],
        violations: [
            "clock_gettime(CLOCK_REALTIME, &time)", "gettimeofday(&time, nil)", "let now = Date()",
        ],
        innocents: ["// clock_gettime", "let clock = \"clock_gettime\""],
        findings: { file in
            file.findings { token, index in
                guard token.kind == .word else { return false }
                return ["clock_gettime", "gettimeofday"].contains(token.text)
                    || token.text == "Date" && file.token(index, 1)?.is("(") == true
                        && file.token(index, 2)?.is(")") == true
            }
        })

    static let detachedThreads = HouseRule(
        claim: "A thread of our own is begun in one place",
        exceptions: [Exception(["Platform/DetachedThread.swift"], because: "it is that place")],
        violations: [
            "pthread_create(&handle, nil, run, context)", "_ = pthread_detach(handle)",
            "let call = pthread_create",
        ],
        innocents: ["// pthread_create", "pthread_sigmask(SIG_BLOCK, &every, nil)"],
        findings: { file in file.findings(ofWords: ["pthread_create", "pthread_detach"]) })

    static let calendar = HouseRule(
        claim: "Days become dates in one place",
        exceptions: [Exception(["Gatekeeper/CivilDate.swift"], because: "it is that place")],
        violations: [
            "let shifted = day + 719_468", "let era = shifted / 146_097", "gmtime_r(&time, &parts)",
        ],
        innocents: ["let day = seconds / 86_400", "// 719468"],
        findings: { file in
            let numbers: Set = ["719468", "719_468", "146097", "146_097"]
            let calls: Set = ["gmtime", "gmtime_r", "localtime", "localtime_r", "strftime", "timegm"]
            return file.findings { token, _ in
                token.kind == .number && numbers.contains(token.text)
                    || token.kind == .word && calls.contains(token.text)
            }
        })
}
