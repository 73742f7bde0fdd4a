/// A record of a CSV file (RFC 4180 §2): one line, or several where a field in quotes holds line breaks.
struct CSVRecord: Equatable {
    /// The number of the line that it begins on, from 1.
    let line: Int
    /// Its fields, in their order; empty where the record has a flaw.
    let fields: [CSVField]
    /// What is wrong with it; nil where it can be read.
    let flaw: CSVFlaw?
}

/// What stands between two commas.
struct CSVField: Equatable {
    /// The field's text, without the quotes around it.
    let text: String
    /// Whether it stood in quotes: an empty field in quotes is an empty text, one without is nothing at all.
    let isQuoted: Bool
}

/// Why a record cannot be read.
enum CSVFlaw: Equatable, Error, CustomStringConvertible {
    /// A quotation mark within a field that does not begin with one.
    case strayQuote
    /// Something between the closing quotation mark and the next comma.
    case textBehindQuote
    /// The file ends within quotation marks.
    case openQuote
    /// A carriage return without a line feed behind it.
    case bareCarriageReturn
    /// Bytes that are no UTF-8.
    case badUTF8
    /// A NUL, which no text in Postgres can hold.
    case nul
    /// More bytes than a record may have.
    case tooLong
    /// More fields than a record may have.
    case tooManyFields

    /// A sentence without its full stop.
    var description: String {
        switch self {
        case .strayQuote:
            "a quotation mark stands within a field: put the field in quotes, and write each mark in it twice"
        case .textBehindQuote: "text stands behind a closing quotation mark: write a mark within quotes twice"
        case .openQuote: "a quotation mark is never closed"
        case .bareCarriageReturn:
            "a carriage return stands without a line feed: put the field in quotes, or end lines with CR LF or LF"
        case .badUTF8: "it holds bytes that are no UTF-8: save the file as UTF-8"
        case .nul: "it holds a NUL: is the file saved as UTF-16? Save it as UTF-8"
        case .tooLong: "it has more than \(Limits.csvRecordBytes) bytes"
        case .tooManyFields: "it has more than \(Limits.csvFields) fields"
        }
    }
}
