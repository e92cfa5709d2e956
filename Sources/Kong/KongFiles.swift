package import Nginx
package import Text

/// What Kong's files say about its listeners, as far as the files were read.
package struct KongFiles: Equatable, Sendable {
  /// A kong.conf, and where it is.
  package struct ConfigurationFile: Equatable, Sendable {
    /// Its path as it was given.
    package var path: ByteString
    /// What is in it.
    package var configuration: KongConfiguration

    /// Names a file's contents.
    package init(path: ByteString, configuration: KongConfiguration) {
      self.path = path
      self.configuration = configuration
    }
  }

  /// A file that was not read, and why, as a phrase.
  package struct UnreadFile: Equatable, Sendable {
    /// Its path as it was given.
    package var path: ByteString
    /// Such as "Permission denied".
    package var reason: String

    /// A file, and why it was not read.
    package init(path: ByteString, reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  /// The kong.conf that Kong will read; nil if there is none.
  package var configuration: ConfigurationFile?
  /// Kong's own list of options; nil if it does not exist or was not needed.
  package var defaults: KongDefaults?
  /// Where nginx listens because of directives that settings inject.
  package var injected: InjectedListeners?
  /// The template that `--nginx-conf` names, in place of Kong's own.
  package var template: ByteString?
  /// The kong.conf that is there, or was asked for, and could not be read, and why.
  package var unread: UnreadFile?
  /// What `kong prepare` has generated; nil before it has run.
  package var generated: GeneratedListeners?

  /// How large a kong.conf or a kong_defaults.lua may be, in bytes; Kong's own have 100 KiB.
  package static let limit = 1 << 20

  /// Nothing was read.
  package init(
    configuration: ConfigurationFile? = nil, defaults: KongDefaults? = nil,
    generated: GeneratedListeners? = nil
  ) {
    self.configuration = configuration
    self.defaults = defaults
    self.generated = generated
  }

  /// Reads the kong.conf that an option names, or else the one that Kong looks for.
  package mutating func readConfiguration(_ named: ByteString?, _ files: NginxFiles) {
    let paths = named.map { [$0] } ?? KongConfiguration.defaultPaths
    for path in paths {
      switch files.read(path, KongFiles.limit) {
      case .bytes(let bytes):
        configuration = ConfigurationFile(path: path, configuration: KongConfiguration(bytes))
        return
      case .absent:
        if named != nil {
          unread = UnreadFile(path: path, reason: "there is no such file")
        }
      case .unreadable(let reason):
        unread = UnreadFile(path: path, reason: reason)
        return
      case .tooLarge:
        unread = UnreadFile(path: path, reason: "it has more than \(KongFiles.limit) bytes")
        return
      }
    }
  }
}

/// The listeners of a generated nginx configuration.
package struct GeneratedListeners: Equatable, Sendable {
  /// Each address once, with file and line as its source.
  package var listeners: [Listener]
  /// What could not be read or understood.
  package var warnings: [Explanation]
  /// Whether this is of the `kong prepare` of this very start; else an older one left it.
  package var isCurrent: Bool

  package init(listeners: [Listener], warnings: [Explanation] = [], isCurrent: Bool) {
    self.listeners = listeners
    self.warnings = warnings
    self.isCurrent = isCurrent
  }

  /// What is known where a configuration could not be read.
  ///
  /// - Parameters:
  ///   - main: the main file.
  ///   - reason: a phrase.
  package init(unread main: ByteString, reason: String, isCurrent: Bool) {
    self.init(
      listeners: [],
      warnings: [
        Explanation(
          what: "the listeners in \(main) are not known", why: reason,
          waysOut: [
            "set SET_CAP_NET_BIND_SERVICE=1 if nginx listens on a port that needs it",
            "run nginx -t -c \(main), and check whether somebody changed the files",
          ])
      ], isCurrent: isCurrent)
  }
}
