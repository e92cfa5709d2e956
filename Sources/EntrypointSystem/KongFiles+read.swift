import EntrypointPlan
import SystemPackage

extension KongFiles {
  /// Reads Kong's files with the rights that this process has now.
  static func read(for request: Request, isRoot: Bool) -> KongFiles {
    var pattern = PathPattern()
    let files = NginxFiles(matching: { pattern.expand($0) }, read: BoundedFile.read)
    return KongFiles(for: request, isRoot: isRoot, files: files)
  }
}

extension GeneratedListeners {
  /// Reads the nginx configuration in a prefix, its includes followed; nil where there is none and
  /// none is expected.
  ///
  /// - Parameters:
  ///   - isRoot: whether nginx will run as root: it matters to a server without `listen`.
  ///   - isCurrent: whether `kong prepare` has just run.
  static func read(prefix: ByteString, isRoot: Bool, isCurrent: Bool) -> GeneratedListeners? {
    let main = prefix + "/nginx.conf"
    if !isCurrent, (try? Stat(main.path)) == nil { return nil }
    var pattern = PathPattern()
    let files = NginxFiles(matching: { pattern.expand($0) }, read: BoundedFile.read)
    let found = NginxListeners(main: main, isRoot: isRoot, files: files)
    return GeneratedListeners(
      listeners: found.listeners, warnings: found.warnings, isCurrent: isCurrent)
  }
}
