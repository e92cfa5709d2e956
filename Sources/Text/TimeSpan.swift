/// A length of time in whole milliseconds.
///
/// Its text is "500ms", "10s", "1.5m", or, as for sleep(1), a number of seconds without a unit.
package struct TimeSpan: Equatable, Comparable, Sendable {
  /// The length.
  package var milliseconds: Int

  /// A day, in milliseconds: the longest time that a setting can ask for.
  private static let limit = 24 * 3_600_000

  package init(milliseconds: Int) {
    self.milliseconds = milliseconds
  }

  /// No time at all.
  package static let zero = TimeSpan(milliseconds: 0)

  /// Reads a text; nil if it is not a time, or is longer than a day or finer than a millisecond.
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

  /// A decimal number times an integer; nil if the text is not a number, or the product not an integer.
  private static func product(of number: ArraySlice<UInt8>, _ factor: Int) -> Int? {
    let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    // Two parts of nine digits fit into 64 bits.
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.count <= 9 }) else { return nil }
    var digits = 0
    for digit in parts.joined() { digits = digits * 10 + Int(digit - UInt8(ascii: "0")) }
    var scale = 1
    for _ in 0..<(parts.count == 2 ? parts[1].count : 0) { scale *= 10 }
    let (product, isTooLarge) = digits.multipliedReportingOverflow(by: factor)
    guard !isTooLarge, product % scale == 0 else { return nil }
    return product / scale
  }

  /// The message for a text that is not a time.
  package static let rule =
    "it must be a number of seconds, or a number followed by ms, s, m or h, and at most a day"

  /// The shortest text for this length.
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
