/// A length of time, in whole milliseconds, as people write it: "500ms", "10s", "1.5m", or a number of
/// seconds without a unit, as sleep(1) has it.
package struct TimeSpan: Equatable, Comparable, Sendable {
  /// The length.
  package var milliseconds: Int

  /// What a start is never told to wait longer than.
  private static let limit = 24 * 3_600_000

  package init(milliseconds: Int) {
    self.milliseconds = milliseconds
  }

  /// No time at all.
  package static let zero = TimeSpan(milliseconds: 0)

  /// The length that a text names, at most a day and no finer than a millisecond; nil for any other text.
  package init?(_ text: ByteString) {
    let digits = text.bytes.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
    guard let unit = TimeSpan.milliseconds(inUnit: text.bytes.dropFirst(digits.count)),
      let milliseconds = TimeSpan.product(of: digits, unit), milliseconds <= TimeSpan.limit
    else { return nil }
    self.milliseconds = milliseconds
  }

  private static func milliseconds(inUnit unit: ArraySlice<UInt8>) -> Int? {
    if unit.elementsEqual("ms".utf8) { return 1 }
    if unit.isEmpty || unit.elementsEqual("s".utf8) { return 1000 }
    if unit.elementsEqual("m".utf8) { return 60_000 }
    if unit.elementsEqual("h".utf8) { return 3_600_000 }
    return nil
  }

  /// A decimal number times a whole one; nil where that is not whole, or the number is none.
  private static func product(of number: ArraySlice<UInt8>, _ factor: Int) -> Int? {
    let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    // Nine digits fit, whatever they are multiplied with.
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.count <= 9 }) else { return nil }
    var digits = 0
    for digit in parts.joined() { digits = digits * 10 + Int(digit - UInt8(ascii: "0")) }
    var scale = 1
    for _ in 0..<(parts.count == 2 ? parts[1].count : 0) { scale *= 10 }
    let (product, isTooLarge) = digits.multipliedReportingOverflow(by: factor)
    guard !isTooLarge, product % scale == 0 else { return nil }
    return product / scale
  }

  /// Why another text is none.
  package static let rule =
    "it must be a number of seconds, or a number followed by ms, s, m or h, and at most a day"

  /// The shortest text that means this.
  package var text: String {
    if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
    if milliseconds != 0, milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
    if milliseconds != 0, milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)m" }
    return "\(milliseconds / 1000)s"
  }

  package static func < (left: TimeSpan, right: TimeSpan) -> Bool {
    left.milliseconds < right.milliseconds
  }
}
