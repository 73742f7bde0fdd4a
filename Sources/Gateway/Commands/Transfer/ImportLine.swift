/// A line of a file that is imported, as far as it can be judged without the database.
enum ImportLine: Equatable {
    /// A tenant.
    case row(ImportRow)
    /// A line that cannot be one, and why.
    case bad(BadLine)
}

/// A tenant as a file has it.
struct ImportRow: Equatable {
    /// The number of its line.
    let line: Int
    /// A value for each column of the file, as the database reads it; nil is NULL.
    let texts: [String?]
}

/// What is wrong with a line, in sentences.
struct BadLine: Equatable {
    let line: Int
    let sentences: [String]
}
