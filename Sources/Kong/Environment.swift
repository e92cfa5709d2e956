package import Text

/// The environment variables that this program interprets.
///
/// All others are passed on unread.
package struct Environment: Equatable, Sendable {
  /// One variable.
  package struct Variable: Equatable, Sendable {
    /// The part before the first "=".
    package var name: String
    /// The part after it.
    package var value: ByteString

    package init(name: String, value: ByteString) {
      self.name = name
      self.value = value
    }
  }

  /// The variables in their order.
  ///
  /// Of several with one name, the first counts, as with getenv(3).
  package private(set) var variables: [Variable] = []

  /// The names of the KONG_X that are set and not empty although KONG_X_FILE exists.
  ///
  /// Their values, which may be secrets, are not here.
  package private(set) var nonEmptySecrets: [String] = []

  /// Keeps those of `variables` that are interpreted.
  ///
  /// - Parameter isNonEmpty: whether the variable of this name is set and not empty; it is asked for
  ///   KONG_X where there is a KONG_X_FILE. By default `variables` is all there is.
  package init(_ variables: [Variable] = [], isNonEmpty: ((String) -> Bool)? = nil) {
    for variable in variables where Environment.interprets(variable.name) {
      self.variables.append(variable)
    }
    removeDuplicates()
    let isNonEmpty =
      isNonEmpty ?? { name in variables.first { $0.name == name }?.value.isEmpty == false }
    nonEmptySecrets = self.variables.compactMap { Environment.secret(namedBy: $0.name) }
      .filter(isNonEmpty)
  }

  private mutating func removeDuplicates() {
    guard variables.map({ key(ofName: $0.name.utf8.span) }).hasEqual else { return }
    let later = Set(variables.map { $0.name }.groupsOfEqual.flatMap { $0.dropFirst() })
    variables = variables.indices.filter { !later.contains($0) }.map { variables[$0] }
  }

  /// Gives a variable a value, in its old place if it has one.
  mutating func set(_ variable: Variable) {
    if let index = variables.firstIndex(where: { $0.name == variable.name }) {
      variables[index] = variable
    } else {
      variables.append(variable)
    }
  }

  private static let own = [
    "ENTRYPOINT_USER", "ENTRYPOINT_CAP_MODE", "ENTRYPOINT_NO_NEW_PRIVS", "ENTRYPOINT_PROXY",
    "ENTRYPOINT_LOG_LEVEL", "ENTRYPOINT_LOG_FORMAT", "ENTRYPOINT_HOOKS", "ENTRYPOINT_LOG_LINKS",
    "ENTRYPOINT_KEEP_GROUPS", "ENTRYPOINT_KONG_DEFAULTS", "ENTRYPOINT_WORKERS", "ENTRYPOINT_CHECKS",
    "ENTRYPOINT_INIT",
    "ENTRYPOINT_STOP_DELAY", "ENTRYPOINT_STOP_TIMEOUT", "ENTRYPOINT_STOP_SIGNAL",
    "ENTRYPOINT_WAIT_FOR", "ENTRYPOINT_WAIT_TIMEOUT", "ENTRYPOINT_WAIT_INTERVAL",
  ]

  /// Warnings about variables that look like ours and are not, most likely typing errors.
  package var unknownVariables: [Explanation] {
    variables.compactMap { variable in
      guard variable.name.hasPrefix("ENTRYPOINT_"), !variable.value.isEmpty,
        !Environment.own.contains(variable.name)
      else { return nil }
      return Explanation(
        what: "\(ByteString(variable.name)) is not a variable of entrypoint",
        why: "its variables are \(Environment.own.joined(separator: ", "))",
        waysOut: ["correct its name", "unset it"])
    }
  }

  /// The value of a variable, nil where it is not set.
  package subscript(name: String) -> ByteString? {
    let name = name.utf8.span
    for variable in variables where variable.name.utf8.span.equals(name) { return variable.value }
    return nil
  }

  /// The value of a variable that is set and not empty.
  ///
  /// Most programs treat an empty one as unset.
  package func nonEmpty(_ name: String) -> ByteString? {
    self[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether a variable of this name can matter to a plan.
  ///
  /// Secrets such as KONG_PG_PASSWORD are not among them, so their values are never copied; the path
  /// in KONG_PG_PASSWORD_FILE is no secret. Of what is injected into nginx's configuration only
  /// listeners and paths of includes are ever shown.
  package static func interprets(_ name: String) -> Bool {
    interprets(name.utf8.span)
  }

  /// Whether a variable of this name can matter to a plan.
  ///
  /// A concrete type, because this is asked of every variable there is: generic code would look its
  /// type up each time.
  package static func interprets(_ name: Span<UInt8>) -> Bool {
    let isKnown =
      name.begins(with: "KONG_")
      ? isListenSetting(name) || name.equals("KONG_PREFIX") || name.equals("KONG_ROLE")
        || name.equals("KONG_NGINX_DAEMON") || name.equals("KONG_NGINX_WORKER_PROCESSES")
        || isLogSetting(name) || mayNameSecretFile(name) || isDatabaseSetting(name)
        || NginxBlock.of(name) != nil
      : name.begins(with: "SET_CAP_") || name.begins(with: "ENTRYPOINT_")
        || name.equals("PATH") || name.equals("TZ") || name.equals("NO_COLOR")
        || name.equals("NGINX")
        || SecureExecution.ignores(name)
    // All settings have such names, and names are printed unescaped in messages.
    return isKnown && isPlain(name)
  }

  /// Whether only the checks of a start look at a variable.
  package static func concernsChecks(_ name: Span<UInt8>) -> Bool {
    namesFile(name) || name.equals("KUBERNETES_SERVICE_HOST") || name.equals("KONG_DNS_RESOLVER")
      || name.equals("KONG_CLUSTER_CONTROL_PLANE") || name.equals("KONG_CLUSTER_TELEMETRY_ENDPOINT")
      || name.equals("KONG_NGINX_MAIN_WORKER_RLIMIT_NOFILE") || name.equals("KONG_MEM_CACHE_SIZE")
      || name.equals("KONG_LUA_PACKAGE_CPATH")
  }

  /// Whether a variable names files that Kong reads.
  ///
  /// Its value can also be what would be in the file.
  package static func namesFile(_ name: String) -> Bool { namesFile(name.utf8.span) }

  /// Whether a variable names files that Kong reads.
  package static func namesFile(_ name: Span<UInt8>) -> Bool {
    name.equals("AWS_WEB_IDENTITY_TOKEN_FILE") || name.equals("KONG_VAULT_HCV_KUBE_API_TOKEN_FILE")
      || name.equals("KONG_DECLARATIVE_CONFIG") || isSetting(name, endingIn: "_CERT")
      || isSetting(name, endingIn: "_CERT_KEY") || isSetting(name, endingIn: "_CERTIFICATE")
      || name.equals("KONG_SSL_DHPARAM")
  }

  private static func isPlain(_ name: Span<UInt8>) -> Bool {
    for index in name.indices {
      let byte = name[index]
      guard isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") else { return false }
    }
    return true
  }

  /// Whether a name is that of one of Kong's `*_listen` settings.
  ///
  /// KONG_NGINX_*_LISTEN is not one of them: it injects a `listen` directive in nginx's grammar.
  package static func isListenSetting(_ name: String) -> Bool {
    isListenSetting(name.utf8.span)
  }

  private static func isListenSetting(_ name: Span<UInt8>) -> Bool {
    isSetting(name, endingIn: "_LISTEN") && !name.begins(with: "KONG_NGINX_")
  }

  /// Whether a name is that of a setting which says where Kong logs, KONG_X_LOG.
  package static func isLogSetting(_ name: String) -> Bool {
    isLogSetting(name.utf8.span)
  }

  /// Whether a name is that of a setting which says where the database is, or what Kong is called there.
  private static func isDatabaseSetting(_ name: Span<UInt8>) -> Bool {
    name.equals("KONG_DATABASE")
      || name.begins(with: "KONG_PG_")
        && (name.equals("KONG_PG_HOST") || name.equals("KONG_PG_PORT")
          || name.equals("KONG_PG_SSL") || name.equals("KONG_PG_USER")
          || name.equals("KONG_PG_DATABASE"))
  }

  private static func isLogSetting(_ name: Span<UInt8>) -> Bool {
    isSetting(name, endingIn: "_LOG")
  }

  /// Whether a name is KONG_X_FILE for some X.
  package static func mayNameSecretFile(_ name: String) -> Bool {
    mayNameSecretFile(name.utf8.span)
  }

  private static func mayNameSecretFile(_ name: Span<UInt8>) -> Bool {
    isSetting(name, endingIn: "_FILE")
  }

  /// Whether a name is KONG_X and an ending, for some X.
  private static func isSetting(_ name: Span<UInt8>, endingIn ending: String) -> Bool {
    // Most names have the beginning, so the ending decides sooner.
    name.count > "KONG_".utf8.count + ending.utf8.count && name.ends(with: ending)
      && name.begins(with: "KONG_")
  }
}
