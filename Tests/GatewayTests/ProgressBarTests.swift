import Testing

@testable import Gateway

@Suite struct ProgressBarTests {
    @Test("The bar shows the share that is done, in a line that leaves the last column free")
    func share() {
        #expect(ProgressBar.line("keys", 0, of: 4, columns: 30) == "keys  [-------------]  0 of 4")
        #expect(ProgressBar.line("keys", 2, of: 4, columns: 27) == "keys  [#####-----]  2 of 4")
        #expect(ProgressBar.line("keys", 4, of: 4, columns: 27) == "keys  [##########]  4 of 4")
        #expect(ProgressBar.line("keys", 9, of: 4, columns: 27) == "keys  [##########]  9 of 4")
        #expect(ProgressBar.line("keys", 0, of: 0, columns: 27) == "keys  [##########]  0 of 0")
    }

    @Test("The bar is not longer in a wide window, and gives way in a narrow one", arguments: 0...200)
    func width(columns: Int) {
        let line = ProgressBar.line("keys", 50, of: 100, columns: columns)
        #expect(line.count <= max(0, columns - 1))
        #expect(line.count <= "keys  []  50 of 100".count + Limits.longestProgressBar)
        #expect(columns < 16 || line.hasPrefix("keys") && line.hasSuffix("50 of 100"))
    }
}
