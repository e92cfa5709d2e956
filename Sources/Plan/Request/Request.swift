import Nginx
package import Kong
package import Text

/// A capability that was asked for by name.
package struct CapabilityRequest: Equatable, Sendable {
  /// The name as it was written, without "SET_CAP_".
  package var name: String
  /// The variable or option.
  package var origin: Origin
  /// False for a value such as "off": never grant it.
  package var isGranted: Bool
}

/// A user that was asked for by name.
package struct UserRequest: Equatable, Sendable {
  /// `USER[:GROUP]` as it was written.
  package var text: String
  /// The variable or option.
  package var origin: Origin
}

/// What is asked of a start: the options, and where one is absent its variable.
package struct Request: Equatable, Sendable {
  /// The command and its arguments, untouched.
  package var command: [ByteString]
  /// The user that the command is to run as; nil for the default.
  package var user: UserRequest?
  /// The capabilities asked for or refused.
  package var capabilities: [CapabilityRequest]
  /// How capabilities reach the command.
  package var mode: CapabilityMode
  /// no_new_privs: nil for the default.
  package var noNewPrivileges: Bool?
  /// The path of nginx.
  package var proxy: ByteString
  /// The variables of the environment that matter.
  package var environment: Environment
  /// Whether the programs in the hook directory are run.
  package var runsHooks: Bool
  /// Whether Kong's log files become links to the standard streams.
  package var linksLogs: Bool
  /// Whether nginx has as many workers as it may use processors, where nobody says how many.
  package var limitsWorkers: Bool
  /// Whether a change of user keeps the groups that the container engine has added.
  package var keepsGroups: Bool
  /// Which checks `--check` makes, and of these a start makes those that are cheap.
  package var checks: CheckSelection
  /// How a supervisor stops the command; nil where the command takes this process's place.
  package var stopPolicy: StopPolicy?
  /// What is waited for before Kong or the command begins; nil for nothing.
  package var wait: WaitRequest?

  /// Merges options and environment.
  ///
  /// - Throws: ``StartFailure`` for a variable with a value that it cannot have.
  package init(
    command: [ByteString], options: Options, environment: Environment
  ) throws(StartFailure) {
    self.command = command
    self.environment = environment
    user =
      options.user.map { UserRequest(text: $0, origin: .option("--user")) }
      ?? environment.nonEmpty("ENTRYPOINT_USER").map {
        UserRequest(text: $0.description, origin: .variable("ENTRYPOINT_USER"))
      }
    let mode: CapabilityMode? = try environment.choice("ENTRYPOINT_CAP_MODE")
    self.mode = options.mode ?? mode ?? .auto
    let noNewPrivileges: OnOff? = try environment.choice("ENTRYPOINT_NO_NEW_PRIVS")
    self.noNewPrivileges = options.noNewPrivileges ?? noNewPrivileges.map { $0 == .on }
    let hooks: OnOff? = try environment.choice("ENTRYPOINT_HOOKS")
    runsHooks = hooks != .off
    let logLinks: OnOff? = try environment.choice("ENTRYPOINT_LOG_LINKS")
    linksLogs = logLinks != .off
    let workers: OnOff? = try environment.choice("ENTRYPOINT_WORKERS")
    limitsWorkers = workers != .off
    let keepGroups: OnOff? = try environment.choice("ENTRYPOINT_KEEP_GROUPS")
    keepsGroups = keepGroups != .off
    checks = try CheckSelection(environment)
    proxy =
      options.proxy ?? environment.nonEmpty("ENTRYPOINT_PROXY") ?? Request.defaultProxy
    capabilities =
      options.capabilities.map {
        CapabilityRequest(name: $0, origin: .option("--cap", value: $0), isGranted: true)
      } + environment.variables.compactMap(Request.capability)
    stopPolicy = try StopPolicy(
      options, environment, isKong: command.starts(with: ["kong", "docker-start"]))
    wait = try WaitRequest(options, environment)
  }

  /// Where Kong's images have nginx.
  package static let defaultProxy: ByteString = "/usr/local/openresty/nginx/sbin/nginx"

  /// The two words that start Kong in its images.
  package var isDockerStart: Bool {
    isKong && command.dropFirst().first?.equals("docker-start") ?? false
  }

  /// Whether the command is Kong's own: then KONG_*_FILE are its secrets.
  package var isKong: Bool { command.first?.equals("kong") ?? false }

  /// Whether the command may run as another user than the one who starts it.
  package var mayChangeUser: Bool { isKong || user != nil }

  /// The request with the settings whose values are in files.
  ///
  /// A value that is not accepted is left out here; it ends the plan.
  package func including(_ secrets: Secrets) -> Request {
    var request = self
    if case .known(let settings) = secrets,
      let environment = try? environment.including(settings)
    {
      request.environment = environment
    }
    return request
  }

  /// What a command is to a start.
  package enum Role: Sendable {
    /// `kong docker-start`: Kong's prefix is prepared, and nginx started.
    case dockerStart
    /// Another command of Kong's: it runs as Kong's user, with what its nginx needs.
    case kongCommand
    /// Any other command: it is run unchanged, but for what options ask.
    case otherCommand
  }

  /// What the command is to this start.
  ///
  /// Under a path a command is Kong's only where somebody names the user; with --cap, that says what it
  /// has.
  package var role: Role {
    if isDockerStart { return .dockerStart }
    if asksOnCommandLine { return .otherCommand }
    let isKongByPath = isPathOfKong && user != nil && command.dropFirst().first != "docker-start"
    return isKong || isKongByPath ? .kongCommand : .otherCommand
  }

  /// Whether the command is a path whose last name is Kong's.
  package var isPathOfKong: Bool {
    command.first?.bytes.suffix(5).elementsEqual("/kong".utf8) ?? false
  }

  /// Whether `--cap` is given: SET_CAP_* speak of Kong's start.
  var asksOnCommandLine: Bool {
    capabilities.contains { if case .option = $0.origin { true } else { false } }
  }

  /// The command's first two words, such as "kong reload".
  var kongCommand: String { command.prefix(2).map { $0.description }.joined(separator: " ") }

  /// Whether the command ends with `nginx -t`, which binds every listener.
  package var testsListeners: Bool {
    guard isKong || isPathOfKong, let name = command.dropFirst().first else { return false }
    return ["docker-start", "prepare", "reload", "restart", "start"].contains { name.equals($0) }
  }

  /// The arguments after `kong docker-start`, or after another command of Kong's.
  package var kongArguments: ArraySlice<ByteString> { command.dropFirst(2) }

  /// Kong's working directory, as it was given; only the slash that Kong's own documentation writes at
  /// its end, "/usr/local/kong/", is left out.
  package var prefix: ByteString {
    environment.nonEmpty("KONG_PREFIX").map(Prefix.withoutLastSlash) ?? Prefix.standard.path
  }

  /// Whether a setting may name an IPv6 address, so that it matters whether there is IPv6.
  package func mayListenOnIPv6(_ files: KongFiles) -> Bool {
    let isIPv6 = { (value: ByteString) in value.bytes.contains(UInt8(ascii: "[")) }
    return environment.variables.contains {
      Environment.isListenSetting($0.name) && isIPv6($0.value)
    } || files.configuration?.configuration.listenSettings.contains { isIPv6($0.value) } ?? false
  }

  /// Kong's own list of options.
  package var kongDefaults: ByteString {
    environment.nonEmpty("ENTRYPOINT_KONG_DEFAULTS") ?? KongDefaults.defaultPath
  }

  /// The kong.conf that `-c` or `--conf` names; nil without one.
  package var configurationPath: ByteString? { path(after: ["-c", "--conf"]) }

  /// The template of nginx's configuration that `--nginx-conf` names; nil without one.
  package var templatePath: ByteString? { path(after: ["--nginx-conf"]) }

  /// The value of an option of `kong prepare`, the last of them: the next word, or what follows "=".
  private func path(after options: [ByteString]) -> ByteString? {
    var path: ByteString?
    var isNext = false
    for argument in kongArguments {
      if isNext {
        path = argument
      } else {
        for option in options where argument.bytes.starts(with: (option + "=").bytes) {
          path = ByteString(Array(argument.bytes.dropFirst(option.bytes.count + 1)))
        }
      }
      isNext = !isNext && options.contains(argument)
    }
    return path
  }

  private static func capability(_ variable: Environment.Variable) -> CapabilityRequest? {
    guard variable.name.hasPrefix("SET_CAP_"), !variable.value.isEmpty else { return nil }
    let refusals: Set = ["0", "false", "no", "off"]
    return CapabilityRequest(
      name: String(variable.name.dropFirst("SET_CAP_".count)),
      origin: .variable(variable.name),
      isGranted: !refusals.contains(variable.value.text?.lowercased() ?? "")
    )
  }
}
