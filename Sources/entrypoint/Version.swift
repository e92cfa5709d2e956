/// The version of this program.
enum Version {
  /// As in CHANGELOG.md.
  static let number = "0.1.0"
}
