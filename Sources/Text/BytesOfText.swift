extension [UInt8] {
  /// The position of the first such byte from a position on; the end where there is none.
  ///
  /// In code that is compiled to be small, `firstIndex(of:)` of a slice costs three times as much.
  package func position(of byte: UInt8, from start: Int) -> Int {
    position(of: byte, in: start..<count)
  }

  /// The position of the first such byte in a range; the range's end where there is none.
  package func position(of byte: UInt8, in range: Range<Int>) -> Int {
    let bytes = span.extracting(range)
    var index = 0
    while index < bytes.count, bytes[index] != byte { index += 1 }
    return range.lowerBound + index
  }
}

extension BidirectionalCollection where Element == UInt8 {
  /// Whether the bytes are this text.
  package func equals(_ text: String) -> Bool {
    count == text.utf8.count && begins(with: text)
  }

  /// Whether the bytes begin with this text.
  ///
  /// - Parameter inAnyCase: whether capitals count as the small letters that the text has.
  package func begins(with text: String, inAnyCase: Bool = false) -> Bool {
    let text = text.utf8.span
    var index = 0
    for byte in self {
      guard index < text.count else { return true }
      guard (inAnyCase ? lowercased(byte) : byte) == text[index] else { return false }
      index += 1
    }
    return index == text.count
  }

  /// Whether the bytes end with this text.
  package func ends(with text: String) -> Bool {
    suffix(text.utf8.count).equals(text)
  }
}

extension Span where Element == UInt8 {
  /// Whether the bytes are this text.
  package func equals(_ text: String) -> Bool { equals(text.utf8.span) }

  /// Whether the bytes are the same as others.
  package func equals(_ others: Span<UInt8>) -> Bool {
    guard count == others.count else { return false }
    for index in indices where self[index] != others[index] { return false }
    return true
  }

  /// Whether the bytes begin with this text.
  package func begins(with text: String) -> Bool {
    hasText(text, at: 0)
  }

  /// Whether the bytes end with this text.
  package func ends(with text: String) -> Bool {
    hasText(text, at: count - text.utf8.count)
  }

  private func hasText(_ text: String, at start: Int) -> Bool {
    let text = text.utf8.span
    guard start >= 0, count - start >= text.count else { return false }
    for index in text.indices where self[start + index] != text[index] { return false }
    return true
  }
}
