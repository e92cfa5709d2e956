/// The first of many things, and how many there are.
///
/// What a hostile user can make any number of must fill neither the memory nor the log.
public struct FirstOfMany<Element> {
  /// How many are kept.
  private static var limit: Int { 10 }

  /// The first of them.
  public private(set) var shown: [Element] = []
  /// How many there are, kept or not.
  public private(set) var count = 0

  /// There is none yet.
  public init() {}

  /// Whether there is none.
  public var isEmpty: Bool { count == 0 }

  /// Counts one more; it is made only where it is kept.
  public mutating func append(_ element: @autoclosure () -> Element) {
    if count < FirstOfMany.limit { shown.append(element()) }
    count += 1
  }

  /// The first of them in words, and how many more there are.
  public func listed(_ text: (Element) -> String) -> String {
    let texts = shown.map(text).joined(separator: ", ")
    return count > shown.count ? "\(texts) and \(count - shown.count) more" : texts
  }
}

extension FirstOfMany: Equatable where Element: Equatable {}
extension FirstOfMany: Sendable where Element: Sendable {}
