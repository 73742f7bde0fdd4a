import ArgumentParser
import Glibc

/// The token on standard input.
enum TokenInput {
    /// Its bytes, without blanks and line ends around it, and without a leading `Bearer `. Prints what is wrong, and throws
    /// the exit status of a wrong use.
    static func read() throws(ExitCode) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: Limits.tokenReadBytes)
        while bytes.count <= Limits.tokenOnStandardInputBytes {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        let token = Array(ExplanationRequest.bare(bytes))
        guard !token.isEmpty, bytes.count <= Limits.tokenOnStandardInputBytes else {
            Output.complaint(
                "standard input holds no token, or more than \(Limits.tokenOnStandardInputBytes) bytes")
            throw .usage
        }
        return token
    }
}
