/// The first of many things, and how many there are.
///
/// A hostile user can create any number of some things; they must not fill the memory or the log.
package struct FirstOfMany<Element> {
  /// How many are kept.
  private static var limit: Int { 10 }

  /// The first of them.
  package private(set) var shown: [Element] = []
  /// How many there are, kept or not.
  package private(set) var count = 0

  /// There is none yet.
  package init() {}

  /// Whether there is none.
  package var isEmpty: Bool { count == 0 }

  /// Counts one more; it is made only where it is kept.
  package mutating func append(_ element: @autoclosure () -> Element) {
    if count < FirstOfMany.limit { shown.append(element()) }
    count += 1
  }

  /// The first of them in words, and how many more there are.
  package func listed(_ text: (Element) -> String) -> String {
    let texts = shown.map(text).joined(separator: ", ")
    return count > shown.count ? "\(texts) and \(count - shown.count) more" : texts
  }
}

extension FirstOfMany: Equatable where Element: Equatable {}
extension FirstOfMany: Sendable where Element: Sendable {}
