import Start

/// The version of this program.
enum Version {
  /// As in CHANGELOG.md; a release's tag is "v" and this number.
  static let number = "0.1.0"

  /// What `--version` prints: "entrypoint 0.1.0 (v0.1.0, 1a2b3c4d)".
  ///
  /// The parentheses hold what scripts/build knew of the commit.
  static var text: String {
    let revision = unsafe String(cString: build_revision())
    return "entrypoint \(number)" + (revision.isEmpty ? "" : " (\(revision))")
  }
}
