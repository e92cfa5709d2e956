import EntrypointPlan
import SystemPackage

extension KongFiles {
  /// How large a kong.conf or a kong_defaults.lua may be, in bytes; Kong's own have 100 KiB.
  static let limit = 1 << 20

  /// Reads the kong.conf that `kong prepare` will read.
  ///
  /// One that cannot be read is left out: `kong prepare` says so itself, and better.
  static func readConfiguration(for request: Request) -> ConfigurationFile? {
    let paths = request.configurationPath.map { [$0] } ?? KongConfiguration.defaultPaths
    for path in paths {
      switch BoundedFile.read(path, limit: limit) {
      case .bytes(let bytes):
        return ConfigurationFile(path: path, configuration: KongConfiguration(bytes))
      case .absent: continue
      case .unreadable, .tooLarge: return nil
      }
    }
    return nil
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
