import ArgumentParser
import EntrypointPlan
import EntrypointSystem

/// The command line.
///
/// It runs only when the first argument is an option, or there is none.
struct EntrypointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "entrypoint",
    abstract: "Start Kong, or any command, as another user with exactly the capabilities it needs.",
    usage: "entrypoint [options] [--] [command [argument ...]]",
    discussion: """
      With the command "kong docker-start" it reads the KONG_*_LISTEN variables, runs "kong prepare" \
      as the user kong, with the right to bind low ports if a listener needs it, grants nginx what its \
      listeners need (ports below net.ipv4.ip_unprivileged_port_start, transparent proxying) and no \
      more, and becomes nginx. Every other kong command, such as "kong reload", runs as the user kong, \
      too. Any other command runs unchanged, or as --user and --cap say.

      An option beats its variable. SET_CAP_NAME=1 in the environment asks for a capability, \
      SET_CAP_NAME=off forbids it. Four variables have no option: ENTRYPOINT_HOOKS=off leaves out \
      the programs in /docker-entrypoint.d, which else run before "kong prepare"; \
      ENTRYPOINT_LOG_LINKS=off leaves Kong's log files as they are, which else become links to \
      standard output and standard error; ENTRYPOINT_KEEP_GROUPS=off drops the groups that the \
      container engine has added (fsGroup, --group-add), which a change of user else keeps; \
      ENTRYPOINT_KONG_DEFAULTS is the path of kong_defaults.lua, Kong's own list of its options.

      Exit status: 64 wrong options; 77 not permitted here; 78 wrong configuration; 126 and 127 the \
      command cannot be executed or is not found; else that of "kong prepare", or 128 + signal.
      """,
    version: Version.text
  )

  @Flag(help: "Print the plan, change nothing, run nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      """
      What --dry-run prints: the plan, or only the least flags for docker run or securityContext for \
      a pod with which this start comes out as planned. Default: text.
      """, valueName: "text|json|docker|kubernetes"))
  var format: DryRun.Format?

  @Option(
    help: ArgumentHelp(
      """
      Run the command as this user, by name or number. Variable: ENTRYPOINT_USER. Default: kong for \
      each kong command when started as root, else no change.
      """, valueName: "USER[:GROUP]"))
  var user: String?

  @Option(
    name: .customLong("cap"),
    help: ArgumentHelp(
      """
      A capability that the command keeps, such as net_raw; several with commas, or with the option \
      repeated. Variable: SET_CAP_NAME.
      """, valueName: "NAME"))
  var capabilities: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      How capabilities reach the command: written to its file, or as ambient capabilities. Variable: \
      ENTRYPOINT_CAP_MODE. Default: the first that works.
      """, valueName: "auto|file|ambient"))
  var capMode: CapabilityMode?

  @Option(
    help: ArgumentHelp(
      """
      Forbid the command and all that it starts to gain privileges by an exec. Variable: \
      ENTRYPOINT_NO_NEW_PRIVS. Default: on where a user is dropped to, \
      capabilities are granted, or nginx has some that nothing needs.
      """, valueName: "on|off"))
  var noNewPrivs: OnOff?

  @Option(
    help: ArgumentHelp(
      "The nginx binary. Variable: ENTRYPOINT_PROXY. Default: \(Request.defaultProxy).",
      valueName: "PATH"))
  var proxy: String?

  @Option(
    help: ArgumentHelp(
      "What is said on standard error. Variable: ENTRYPOINT_LOG_LEVEL. Default: info.",
      valueName: "error|warn|info|debug"))
  var logLevel: LogLevel?

  @Option(
    help: ArgumentHelp(
      "How it is said. Variable: ENTRYPOINT_LOG_FORMAT. Default: text.", valueName: "text|json"))
  var logFormat: LogFormat?

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The command to start, and its arguments.", valueName: "command"))
  var command: [String] = []

  /// Parses the options and goes on with a start or a dry run.
  static func run(_ arguments: [ByteString], environment: EnvironmentBlock) -> Never {
    let parsed = parseOrExit(arguments.map { String(decoding: $0.bytes, as: UTF8.self) })
    // The parser's strings are repaired UTF-8; what we exec gets the bytes. The command is all that
    // is left over, so it is the end of the arguments.
    var command = Array(arguments.suffix(parsed.command.count))
    if command.first == "--" { command.removeFirst() }
    let start = Start(
      command: command, options: parsed.options, logLevel: parsed.logLevel,
      logFormat: parsed.logFormat, environment: environment)
    if parsed.dryRun { DryRun(start: start, format: parsed.format ?? .text).run() }
    start.run()
  }

  /// What is not an option of ours must be the command, and a command does not begin with "-".
  func validate() throws {
    // The passthrough argument takes the parser's own flags, too.
    switch command.first {
    case "--help", "-h": throw CleanExit.helpRequest()
    case "--version": throw CleanExit.message(Self.configuration.version)
    // What scripts/manual/generate makes the man page of.
    case "--experimental-dump-help": throw CleanExit.message(Self._dumpHelp())
    case let first? where first != "--" && first.hasPrefix("-"):
      throw ValidationError(
        "Unknown option '\(first)'; the command comes after the options or '--'.")
    default: break
    }
    if format != nil, !dryRun {
      throw ValidationError("--format says what --dry-run prints: add --dry-run.")
    }
  }

  private var options: Options {
    var options = Options()
    options.user = user
    options.capabilities = capabilities.flatMap { $0.split(separator: ",").map(String.init) }
    options.mode = capMode
    options.noNewPrivileges = noNewPrivs.map { $0 == .on }
    options.proxy = proxy.map { ByteString($0) }
    return options
  }
}

extension DryRun.Format: ExpressibleByArgument {}
extension CapabilityMode: ExpressibleByArgument {}
extension OnOff: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
