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

  /// Keeps those of `variables` that are interpreted.
  public init(_ variables: [Variable] = []) {
    for variable in variables where Environment.interprets(variable.name) {
      self.variables.append(variable)
    }
    removeDuplicates()
  }

  /// Sorts to find out, as there are hardly ever any; a set would cost every start more.
  private mutating func removeDuplicates() {
    let names = variables.map(\.name).sorted()
    guard zip(names, names.dropFirst()).contains(where: { $0 == $1 }) else { return }
    var seen: Set<String> = []
    variables = variables.filter { seen.insert($0.name).inserted }
  }

  /// The value of a variable, nil where it is not set.
  public subscript(name: String) -> ByteString? {
    for variable in variables where variable.name == name { return variable.value }
    return nil
  }

  /// The value of a variable where it is set and not empty: to most programs, empty is not set.
  public func nonEmpty(_ name: String) -> ByteString? {
    self[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether a variable of this name can matter to a plan.
  ///
  /// Secrets such as KONG_PG_PASSWORD are not among them, so their values are never copied.
  public static func interprets(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { interprets(UnsafeRawBufferPointer($0)) }
  }

  /// Whether a variable of this name can matter to a plan.
  ///
  /// A concrete type, because this is asked of every variable there is: generic code would look its
  /// type up each time.
  public static func interprets(_ name: UnsafeRawBufferPointer) -> Bool {
    if begins(name, with: "KONG_") {
      return isListenSetting(name) || equals(name, "KONG_PREFIX") || equals(name, "KONG_ROLE")
        || equals(name, "KONG_NGINX_DAEMON")
    }
    return begins(name, with: "SET_CAP_") || begins(name, with: "ENTRYPOINT_")
      || equals(name, "PATH") || equals(name, "NO_COLOR")
  }

  /// Whether a name is that of one of Kong's `*_listen` settings.
  ///
  /// KONG_NGINX_*_LISTEN is none: it is a `listen` directive to be injected, in nginx's grammar.
  public static func isListenSetting(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { isListenSetting(UnsafeRawBufferPointer($0)) }
  }

  private static func isListenSetting(_ name: UnsafeRawBufferPointer) -> Bool {
    let suffix: StaticString = "_LISTEN"
    return begins(name, with: "KONG_") && name.count > "KONG__LISTEN".utf8.count
      && equals(UnsafeRawBufferPointer(rebasing: name.suffix(suffix.utf8CodeUnitCount)), suffix)
      && !begins(name, with: "KONG_NGINX_")
  }

  private static func begins(_ name: UnsafeRawBufferPointer, with prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    guard name.count >= count else { return false }
    for index in 0..<count where name[index] != prefix.utf8Start[index] { return false }
    return true
  }

  private static func equals(_ name: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
    name.count == other.utf8CodeUnitCount && begins(name, with: other)
  }
}
