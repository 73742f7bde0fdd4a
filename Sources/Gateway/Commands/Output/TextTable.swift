/// Rows of texts in columns, for people. The texts may come from anywhere: they are escaped (`ShownText`).
struct TextTable {
    private let rows: [[String]]

    /// A table with a heading, and rows with as many cells or fewer.
    init(_ heading: [String], rows: [[String]]) {
        self.rows = ([heading] + rows).map { $0.map(ShownText.line) }
    }

    /// What stands between two columns.
    private static let gap = "  "

    /// The lines of the table.
    ///
    /// Without a width each row is one line, and each column as wide as its widest cell. Where that is more than `width`
    /// columns of a terminal, the widest columns become narrower, and their cells go on in further lines. Where there are so
    /// many columns that none could hold a word, the lines are longer than `width`.
    func lines(width: Int? = nil) -> [String] {
        let widths = widths(within: width)
        return rows.flatMap { row in
            let cells = row.enumerated().map { TextTable.wrapped($1, width: widths[$0]) }
            return (0..<(cells.map(\.count).max() ?? 0)).map { number in
                TextTable.line(cells.map { number < $0.count ? $0[number] : "" }, widths)
            }
        }
    }

    /// The widths of the columns, which lie within `width` where that is possible.
    private func widths(within width: Int?) -> [Int] {
        let count = rows.map(\.count).max() ?? 0
        var widths = [Int](repeating: 0, count: count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], ShownText.columns(cell))
            }
        }
        guard let width else { return widths }
        let room = max(width - (count - 1) * TextTable.gap.count, count * Limits.narrowestColumn)
        guard widths.reduce(0, +) > room else { return widths }
        // The widest cap that fits: columns narrower than it keep their width, the others share what is left.
        var (rest, cap) = (room, 0)
        for (place, natural) in widths.sorted().enumerated() {
            cap = rest / (count - place)
            if natural > cap { break }
            rest -= natural
        }
        return widths.map { min($0, cap) }
    }

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line += (column == 0 ? "" : gap) + cell
            line += String(repeating: " ", count: max(0, widths[column] - ShownText.columns(cell)))
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// A cell in lines of at most `width` columns, broken at blanks, or where a word is longer, inside it.
    private static func wrapped(_ cell: String, width: Int) -> [String] {
        guard ShownText.columns(cell) > width else { return [cell] }
        var (lines, line, used) = ([String](), "", 0)
        func end() {
            lines.append(line)
            (line, used) = ("", 0)
        }
        for word in cell.split(separator: " ") {
            let columns = ShownText.columns(String(word))
            if used > 0, used + 1 + columns > width { end() }
            if used > 0 { (line, used) = (line + " ", used + 1) }
            for character in word {
                let step = ShownText.columns(character)
                if used > 0, used + step > width { end() }
                line.append(character)
                used += step
            }
        }
        end()
        return lines
    }
}
