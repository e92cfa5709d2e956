package import Text

/// How to get at the files of a configuration, so that following `include` does no I/O itself.
package struct NginxFiles {
  /// The files that a pattern with "*", "?" or "[" matches, sorted, as glob(3) without flags; nil where
  /// finding them would take too long.
  package var matching: (_ pattern: ByteString) -> [ByteString]?
  /// A file's bytes, unless there are more than the limit.
  package var read: (_ path: ByteString, _ limit: Int) -> FileContent

  /// Takes the two ways to a file; paths and patterns are absolute if the main file's path is.
  package init(
    matching: @escaping (_ pattern: ByteString) -> [ByteString]?,
    read: @escaping (_ path: ByteString, _ limit: Int) -> FileContent
  ) {
    self.matching = matching
    self.read = read
  }
}

extension ByteString {
  /// Whether a path has a character that nginx takes for a pattern's (ngx_conf_include).
  package var isPattern: Bool { bytes.contains { "*?[".utf8.contains($0) } }
}

/// How much of a configuration is read; beyond it there is a warning, and what was read counts.
package struct NginxLimits: Sendable {
  /// Bytes of one file.
  package var fileBytes = 10 << 20
  /// Bytes of all files, each counted as often as it is included.
  package var allBytes = 16 << 20
  /// Files, each counted as often as it is included.
  package var files = 4096
  /// Bytes of a path, with its NUL: PATH_MAX (limits.h(0p)).
  package var path = 4096
  /// Files that include one another; nginx has no limit but its open files.
  package var depth = 32
  /// `listen` directives.
  package var listens = 20_000
  /// Warnings, before the rest is only counted.
  package var warnings = 20

  /// The limits that no configuration in use comes near to.
  package init() {}
}
