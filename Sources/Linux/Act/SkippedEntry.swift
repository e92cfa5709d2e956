import Text

/// Something in the prefix that could not be given to the user.
struct SkippedEntry: Equatable, Sendable {
  /// The path.
  var path: ByteString
  /// Why.
  var reason: String

  var text: String { "\(path): \(reason)" }
}
