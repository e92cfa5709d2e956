extension ByteString {
  /// Whether this is another name with a typing error in it, or nearly: at most two bytes must be inserted,
  /// removed or replaced to make one of the other.
  package func isSimilar(to other: ByteString) -> Bool {
    ByteString.distance(bytes, other.bytes) <= 2
  }

  /// How many bytes must be inserted, removed or replaced (Levenshtein distance).
  ///
  /// A name that is far longer is not compared: 3 for any distance above 2.
  private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    guard abs(one.count - other.count) <= 2 else { return 3 }
    var previous = Array(0...other.count)
    for (row, byte) in one.enumerated() {
      var current = [row + 1]
      for (column, otherByte) in other.enumerated() {
        current.append(
          min(
            previous[column] + (byte == otherByte ? 0 : 1), previous[column + 1] + 1,
            current[column] + 1))
      }
      previous = current
    }
    return previous[other.count]
  }
}
