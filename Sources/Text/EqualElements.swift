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
