extension BidirectionalCollection where Element == UInt8 {
  /// Whether the bytes are this text.
  package func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && begins(with: text)
  }

  /// Whether the bytes begin with this text.
  ///
  /// - Parameter inAnyCase: whether capitals count as the small letters that the text has.
  package func begins(with text: StaticString, inAnyCase: Bool = false) -> Bool {
    var index = 0
    for byte in self {
      guard index < text.utf8CodeUnitCount else { return true }
      guard (inAnyCase ? lowercased(byte) : byte) == text.utf8Start[index] else { return false }
      index += 1
    }
    return index == text.utf8CodeUnitCount
  }

  /// Whether the bytes end with this text.
  package func ends(with text: StaticString) -> Bool {
    suffix(text.utf8CodeUnitCount).equals(text)
  }
}
