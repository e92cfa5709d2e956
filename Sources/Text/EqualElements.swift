/// A number that names have in common if they differ in nothing but capitals, and in what other bytes they have
/// than letters and digits (FNV-1a, RFC 9923).
///
/// Of many names it excludes nearly all with one comparison each. It proves nothing: other names can have the
/// same number, and a hostile file can be full of them.
package func key(ofName name: Span<UInt8>) -> UInt32 {
  var key: UInt32 = 0x811c_9dc5
  for index in name.indices {
    let byte = name[index]
    let part = isLetter(byte) || isDigit(byte) ? byte | 0x20 : 0
    key = (key ^ UInt32(part)) &* 0x0100_0193
  }
  return key
}

extension Array where Element: Comparable {
  /// The indices of equal elements, in groups of at least two, each in order; the groups are in the
  /// elements' order.
  ///
  /// Sorts to find them, so that no number of them costs quadratic time.
  package var groupsOfEqual: [[Int]] {
    guard count > 1 else { return [] }
    // Two neighbours in order cost one comparison, and most lists are written in order.
    let order = indices.sorted { self[$0] == self[$1] ? $0 < $1 : self[$0] < self[$1] }
    var groups: [[Int]] = []
    var start = 0
    for end in 1...order.count where end == order.count || self[order[end]] != self[order[start]] {
      if end - start > 1 { groups.append([Int](order[start..<end])) }
      start = end
    }
    return groups
  }

  /// Whether two of them are equal.
  package var hasEqual: Bool {
    let sorted = sorted()
    return zip(sorted, sorted.dropFirst()).contains { $0 == $1 }
  }

  /// The index of the first of the elements that is not less than another, where they are sorted.
  package func firstIndex(notBelow element: Element) -> Int {
    var (first, end) = (0, count)
    while first < end {
      let middle = (first + end) / 2
      if self[middle] < element { first = middle + 1 } else { end = middle }
    }
    return first
  }

  /// Whether an element is there, where they are sorted.
  package func contains(sorted element: Element) -> Bool {
    let index = firstIndex(notBelow: element)
    return index < count && self[index] == element
  }
}
