import EntrypointPlan

/// Something in the prefix that stays as it is although it should not.
struct LeftEntry: Equatable, Sendable {
  /// The path.
  var path: ByteString
  /// Why.
  var reason: String

  var text: String { "\(path): \(reason)" }
}

/// The first ten of a list in words, and how many more.
func listed(_ items: [some CustomStringConvertible]) -> String {
  let shown = items.prefix(10).map { $0.description }.joined(separator: ", ")
  return items.count > 10 ? "\(shown) and \(items.count - 10) more" : shown
}
