import Start

/// The version of this program.
enum Version {
  /// As in CHANGELOG.md; the tag of a release is this with a "v" before it.
  static let number = "0.1.0"

  /// What `--version` prints: "entrypoint 0.1.0 (v0.1.0, 1a2b3c4d)", with as much in parentheses as
  /// scripts/build knew of what it built.
  static var text: String {
    let revision = unsafe String(cString: build_revision())
    return "entrypoint \(number)" + (revision.isEmpty ? "" : " (\(revision))")
  }
}
