package import Text

/// What is in the hook directory: programs that the image's maker, or whoever runs the image, wants to
/// run before `kong prepare`.
///
/// The place and the rules are those of the official nginx image, as asked for in Kong/kong#4458.
package struct HookDirectory: Equatable, Sendable {
  /// Where hooks are looked for.
  package static let path: ByteString = "/docker-entrypoint.d"

  /// All that the path resolves through; the directory itself is the last.
  package var resolvedEntries: [PathEntry]
  /// The regular files, links followed, in no order.
  package var files: [HookFile]
  /// Why it could not be listed, in words; nil where it could.
  package var unreadable: String?

  /// Creates a listing.
  package init(
    resolvedEntries: [PathEntry] = [], files: [HookFile] = [], unreadable: String? = nil
  ) {
    self.resolvedEntries = resolvedEntries
    self.files = files
    self.unreadable = unreadable
  }
}

/// A file in the hook directory.
package struct HookFile: Equatable, Sendable {
  /// Its name in the directory.
  package var name: ByteString
  /// All that the path resolves through; the file itself is the last.
  package var resolvedEntries: [PathEntry]
  /// Why the user that hooks run as may not execute it, in words; nil where it may.
  package var refusal: String?

  /// Creates a file.
  package init(name: ByteString, resolvedEntries: [PathEntry]) {
    self.name = name
    self.resolvedEntries = resolvedEntries
  }

  /// Anybody may execute it.
  var isExecutable: Bool { (resolvedEntries.last?.mode ?? 0) & 0o111 != 0 }

  /// The path to exec, without links.
  var resolvedPath: ByteString { resolvedEntries.last?.path ?? path }

  /// The path by which people know it.
  var path: ByteString { HookDirectory.path + "/" + name }

  /// Only a shell can source such a file.
  var isEnvironmentScript: Bool { name.bytes.suffix(6).elementsEqual(".envsh".utf8) }
}
