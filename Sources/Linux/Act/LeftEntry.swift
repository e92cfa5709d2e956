import Text

/// Something in the prefix that stays as it is although it should not.
struct LeftEntry: Equatable, Sendable {
  /// The path.
  var path: ByteString
  /// Why.
  var reason: String

  var text: String { "\(path): \(reason)" }
}
