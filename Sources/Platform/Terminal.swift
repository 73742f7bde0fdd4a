import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whether a person watches an output of this process, and how wide the window is.
package enum Terminal {
    /// Whether the open file is a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// The columns of the terminal's window as it is now; nil where it is no terminal, or does not know its size.
    package static func columns(_ descriptor: Int32) -> Int? {
        let columns = poolgate_terminal_columns(descriptor)
        return columns > 0 ? Int(columns) : nil
    }
}
