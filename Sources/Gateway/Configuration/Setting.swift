/// One setting: its name, what it means, and how its text becomes a value.
struct Setting: Sendable {
    /// The name in the file. The flag is `--name`, the environment variable `POOLGATE_NAME`.
    let name: String
    /// What stands for the value in the help, such as `SIZE`; nil for a setting that is either on or off.
    let placeholder: String?
    /// The default, as it would be written; empty where there is none.
    let initial: String
    /// What the setting is for, for the help; a sentence without its full stop.
    let meaning: String
    /// Whether no message may show the value, because it is a secret, or a URL, which may hold one.
    let isSecret: Bool
    /// Sets the setting from a text that is not empty; returns what is wrong with the text, or nil.
    let apply: @Sendable (String, inout Settings) -> String?

    init(
        _ name: String, _ placeholder: String?, initial: String = "", isSecret: Bool = false,
        _ meaning: String,
        apply: @escaping @Sendable (String, inout Settings) -> String?
    ) {
        self.name = name
        self.placeholder = placeholder
        self.initial = initial
        self.meaning = meaning
        self.isSecret = isSecret
        self.apply = apply
    }

    /// The flag, such as `--listen`.
    var flag: String { "--\(name)" }

    /// The environment variable, such as `POOLGATE_LISTEN`.
    var variable: String { Setting.prefix + name.uppercased().replacing("-", with: "_") }

    /// What the name of every environment variable of the program begins with.
    static let prefix = "POOLGATE_"

    /// The setting that names the file, and so cannot stand in it.
    static let file = Setting("config", "FILE", "YAML file with any of these settings, by the same names") {
        _, _ in nil
    }
}

extension Setting {
    /// A setting that is either on or off.
    static func toggle(
        _ name: String, _ meaning: String, _ path: any WritableKeyPath<Settings, Bool> & Sendable
    ) -> Setting {
        Setting(name, nil, initial: "false", meaning) { text, settings in
            guard let value = Quantity.boolean(text) else { return "is neither true nor false" }
            settings[keyPath: path] = value
            return nil
        }
    }

    /// A whole number within bounds.
    static func number(
        _ name: String, initial: String, _ meaning: String, in range: ClosedRange<Int>,
        _ path: any WritableKeyPath<Settings, Int> & Sendable
    ) -> Setting {
        Setting(name, "N", initial: initial, meaning) { text, settings in
            guard let value = Digits.number(text.utf8, atMost: range.upperBound), range.contains(value) else {
                return "is no whole number from \(range.lowerBound) to \(range.upperBound)"
            }
            settings[keyPath: path] = value
            return nil
        }
    }

    /// A whole number within bounds that has no default.
    static func optionalNumber(
        _ name: String, _ meaning: String, in range: ClosedRange<Int>,
        _ set: @escaping @Sendable (inout Settings, Int) -> Void
    ) -> Setting {
        Setting(name, "N", meaning) { text, settings in
            guard let value = Digits.number(text.utf8, atMost: range.upperBound), range.contains(value) else {
                return "is no whole number from \(range.lowerBound) to \(range.upperBound)"
            }
            set(&settings, value)
            return nil
        }
    }

    /// A size in bytes within bounds.
    static func size(
        _ name: String, initial: String, _ meaning: String, in range: ClosedRange<Int>,
        _ path: any WritableKeyPath<Settings, Int> & Sendable
    ) -> Setting {
        Setting(name, "SIZE", initial: initial, meaning) { text, settings in
            guard let value = Quantity.bytes(text) else { return sizeAdvice }
            guard range.contains(value) else {
                return "is no size from \(range.lowerBound) to \(range.upperBound) bytes"
            }
            settings[keyPath: path] = value
            return nil
        }
    }

    /// How a size is to be written.
    static let sizeAdvice = "is no size: write bytes, or a number with KiB, MiB or GiB, such as 32KiB"

    /// A time within bounds.
    static func time(
        _ name: String, initial: String = "", _ meaning: String, in range: ClosedRange<Duration>,
        _ set: @escaping @Sendable (inout Settings, Duration) -> Void
    ) -> Setting {
        Setting(name, "TIME", initial: initial, meaning) { text, settings in
            guard let value = Quantity.duration(text) else {
                return "is no time: write a number with ms, s, m, h or d, such as 30s, or 0"
            }
            guard range.contains(value) else {
                return "is no time from \(range.lowerBound) to \(range.upperBound)"
            }
            set(&settings, value)
            return nil
        }
    }
}
