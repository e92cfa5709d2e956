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

  /// The kong.conf that Kong will read; nil where there is none.
  public var configuration: ConfigurationFile?
  /// Kong's own list of options; nil where it is not there, or was not needed.
  public var defaults: KongDefaults?
  /// What `kong prepare` has generated; nil before it has run.
  public var generated: GeneratedListeners?

  /// Nothing was read.
  public init(
    configuration: ConfigurationFile? = nil, defaults: KongDefaults? = nil,
    generated: GeneratedListeners? = nil
  ) {
    self.configuration = configuration
    self.defaults = defaults
    self.generated = generated
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
}
