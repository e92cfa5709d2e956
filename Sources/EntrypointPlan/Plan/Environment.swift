/// The variables of the environment that this program interprets, and no others: what is not here
/// is passed on unread.
public struct Environment: Equatable, Sendable {
  /// One variable.
  public struct Variable: Equatable, Sendable {
    /// The part before the first "=".
    public var name: String
    /// The part after it.
    public var value: ByteString

    /// Creates a variable.
    public init(name: String, value: ByteString) {
      self.name = name
      self.value = value
    }
  }

  /// The variables in their order; the first of a name counts, as with getenv(3).
  public private(set) var variables: [Variable] = []
  private var indexes: [String: Int] = [:]

  /// Keeps those of `variables` that are interpreted.
  public init(_ variables: some Sequence<Variable> = []) {
    for variable in variables where Environment.interprets(variable.name.utf8) {
      if indexes[variable.name] == nil { indexes[variable.name] = self.variables.count }
      self.variables.append(variable)
    }
  }

  /// The value of a variable, nil where it is not set.
  public subscript(name: String) -> ByteString? {
    indexes[name].map { variables[$0].value }
  }

  /// The value of a variable where it is set and not empty: to most programs, empty is not set.
  public func nonEmpty(_ name: String) -> ByteString? {
    self[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether a variable of this name can matter to a plan.
  ///
  /// Secrets such as KONG_PG_PASSWORD are not among them, so their values are never copied.
  public static func interprets(_ name: some Collection<UInt8>) -> Bool {
    if name.starts(with: "KONG_".utf8) {
      return isListenSetting(name) || name.elementsEqual("KONG_PREFIX".utf8)
        || name.elementsEqual("KONG_NGINX_DAEMON".utf8)
    }
    return name.starts(with: "SET_CAP_".utf8) || name.starts(with: "ENTRYPOINT_".utf8)
      || name.elementsEqual("PATH".utf8) || name.elementsEqual("NO_COLOR".utf8)
  }

  /// Whether a name is that of one of Kong's `*_listen` settings.
  ///
  /// KONG_NGINX_*_LISTEN is none: it is a `listen` directive to be injected, in nginx's grammar.
  public static func isListenSetting(_ name: some Collection<UInt8>) -> Bool {
    name.starts(with: "KONG_".utf8) && name.count > "KONG__LISTEN".utf8.count
      && name.suffix(7).elementsEqual("_LISTEN".utf8) && !name.starts(with: "KONG_NGINX_".utf8)
  }
}
