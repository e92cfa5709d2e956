import Text

/// An entry of the prefix that was skipped.
struct SkippedEntry: Equatable, Sendable {
  var path: ByteString
  var reason: String

  var text: String { "\(path): \(reason)" }
}
