/// The files of Kong's that say what it listens on, beside the environment; as far as they were read.
public struct KongFiles: Equatable, Sendable {
  /// A kong.conf, and where it is.
  public struct ConfigurationFile: Equatable, Sendable {
    /// Its path as it was given.
    public var path: ByteString
    /// What is in it.
    public var configuration: KongConfiguration

    /// Names a file's contents.
    public init(path: ByteString, configuration: KongConfiguration) {
      self.path = path
      self.configuration = configuration
    }
  }

  /// A file that was not read, and why, as a phrase.
  public struct UnreadFile: Equatable, Sendable {
    /// Its path as it was given.
    public var path: ByteString
    /// Such as "Permission denied".
    public var reason: String
  }

  /// The kong.conf that Kong will read; nil where there is none.
  public var configuration: ConfigurationFile?
  /// Kong's own list of options; nil where it is not there, or was not needed.
  public var defaults: KongDefaults?
  /// Where nginx listens because of directives that settings inject.
  public var injected: InjectedListeners?
  /// The template that `--nginx-conf` names, in place of Kong's own.
  public var template: ByteString?
  /// The kong.conf that is there, or was asked for, and could not be read, and why.
  public var unread: UnreadFile?
  /// What `kong prepare` has generated; nil before it has run.
  public var generated: GeneratedListeners?

  /// How large a kong.conf or a kong_defaults.lua may be, in bytes; Kong's own have 100 KiB.
  public static let limit = 1 << 20

  /// Nothing was read.
  public init(
    configuration: ConfigurationFile? = nil, defaults: KongDefaults? = nil,
    generated: GeneratedListeners? = nil
  ) {
    self.configuration = configuration
    self.defaults = defaults
    self.generated = generated
  }

  /// Reads the kong.conf that `kong prepare` will read, and what its settings and the environment's
  /// include into nginx's configuration.
  ///
  /// - Parameters:
  ///   - isRoot: whether nginx will run as root.
  ///   - files: the ways to a file, with the rights of the user that Kong runs as.
  public init(for request: Request, isRoot: Bool, files: NginxFiles) {
    readConfiguration(for: request, files)
    template = request.templatePath
    injected = InjectedListeners(
      InjectedDirective.all(request.environment, configuration), prefix: request.prefix,
      isRoot: isRoot, files: files)
  }

  /// What is known where they could not be read.
  ///
  /// - Parameter reason: a phrase.
  public init(unreadFor request: Request, reason: String) {
    unread = UnreadFile(path: request.configurationPath ?? "kong.conf", reason: reason)
    template = request.templatePath
  }

  /// The same, read by a process that is not trusted: of what the request itself says, the request
  /// counts.
  public func believed(for request: Request, isRoot: Bool) -> KongFiles {
    var files = self
    files.template = request.templatePath
    let none = NginxFiles(matching: { _ in nil }, read: { _, _ in .absent })
    let known = InjectedListeners(
      InjectedDirective.all(request.environment, nil), prefix: request.prefix, isRoot: isRoot,
      files: none)
    files.injected = injected?.believed(asFarAs: known)
    return files
  }

  private mutating func readConfiguration(for request: Request, _ files: NginxFiles) {
    let paths = request.configurationPath.map { [$0] } ?? KongConfiguration.defaultPaths
    for path in paths {
      switch files.read(path, KongFiles.limit) {
      case .bytes(let bytes):
        configuration = ConfigurationFile(path: path, configuration: KongConfiguration(bytes))
        return
      case .absent:
        if request.configurationPath != nil {
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
public struct GeneratedListeners: Equatable, Sendable {
  /// Each address once, with file and line as its source.
  public var listeners: [Listener]
  /// What could not be read or understood.
  public var warnings: [Explanation]
  /// Whether this is of the `kong prepare` of this very start; else an older one left it.
  public var isCurrent: Bool

  /// Creates a result of reading.
  public init(listeners: [Listener], warnings: [Explanation] = [], isCurrent: Bool) {
    self.listeners = listeners
    self.warnings = warnings
    self.isCurrent = isCurrent
  }

  /// What is known where a configuration could not be read.
  ///
  /// - Parameters:
  ///   - main: the main file.
  ///   - reason: a phrase.
  public init(unread main: ByteString, reason: String, isCurrent: Bool) {
    self.init(
      listeners: [],
      warnings: [
        Explanation(
          what: "where \(main) makes nginx listen is not known", why: reason,
          waysOut: [
            "set SET_CAP_NET_BIND_SERVICE=1 if nginx listens on a port that needs it",
            "run nginx -t -c \(main), and see whether somebody has changed the files",
          ])
      ], isCurrent: isCurrent)
  }
}
