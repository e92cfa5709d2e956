import Kong
import Plan
import Report
import Text

/// One setting of entrypoint: an option, the variable that stands for it, or a variable alone.
///
/// The table ``all`` is the only place that lists them. The parser, `--help`, the man page and the
/// tests of both read it.
package struct Setting: Sendable {
  /// The options that the parser knows.
  package enum Option: Sendable {
    case dryRun, check, health, format, user, capability, capabilityMode, noNewPrivileges, proxy
    case supervises, stopDelay, stopTimeout, stopSignal
    case waitFor, waitTimeout, waitInterval
    case logLevel, logFormat, version, help
  }

  /// What follows an option's name, or a variable's "=".
  package enum Value: Equatable, Sendable {
    /// Nothing: the option is a switch.
    case none
    /// Any text; the name stands for it in `--help`.
    case text(_ name: String)
    /// One of a few words.
    case choice([String])
  }

  /// The sections of `--help`.
  package enum Section: String, CaseIterable, Sendable {
    case command = "Command"
    case kong = "Kong's start"
    case supervisor = "Supervisor"
    case plan = "Plan"
    case log = "Messages"
    case about = "About"
  }

  /// The option that this is; nil for a variable alone.
  package var option: Option?
  /// The option's name with its dashes, such as "--cap-mode"; nil for a variable alone.
  package var name: String?
  /// A second, short name, such as "-h".
  package var shortName: String?
  /// The variable that says the same; an option beats it.
  package var variable: String?
  /// What it is given.
  package var value: Value
  /// Where `--help` lists it.
  package var section: Section
  /// What it does, in sentences.
  package var summary: String
  /// What holds without it: a phrase without a full stop, empty where that goes without saying.
  package var usual: String

  private init(
    _ option: Option?, _ name: String?, or shortName: String? = nil, variable: String? = nil,
    _ value: Value = .none, in section: Section, _ summary: String, usual: String = ""
  ) {
    self.option = option
    self.name = name
    self.shortName = shortName
    self.variable = variable
    self.value = value
    self.section = section
    self.summary = summary
    self.usual = usual
  }

  /// Every setting, in the order of `--help`.
  package static let all: [Setting] = [
    Setting(
      .user, "--user", variable: "ENTRYPOINT_USER", .text("USER[:GROUP]"), in: .command,
      "Run the command as this user, by name or number.",
      usual: "kong for each kong command that root starts, otherwise no change"),
    Setting(
      .capability, "--cap", variable: "SET_CAP_NAME", .text("NAME"), in: .command,
      "Give the command this capability, such as net_raw. Separate several with commas, or repeat"
        + " the option. SET_CAP_NAME=1 asks for a capability, SET_CAP_NAME=off forbids it."),
    Setting(
      .capabilityMode, "--cap-mode", variable: "ENTRYPOINT_CAP_MODE", choice(CapabilityMode.self),
      in: .command,
      "Grant capabilities through the command's file, or as ambient capabilities.",
      usual: "auto, the first way that works"),
    Setting(
      .noNewPrivileges, "--no-new-privs", variable: "ENTRYPOINT_NO_NEW_PRIVS", choice(OnOff.self),
      in: .command,
      "Prevent the command, and all that it starts, from gaining privileges by an exec.",
      usual: "on if the user changes, capabilities are granted, or nginx's file carries some that"
        + " nothing needs"),
    Setting(
      .waitFor, "--wait-for", variable: "ENTRYPOINT_WAIT_FOR", .text("database|HOST:PORT"),
      in: .command,
      "Wait until this service accepts a connection, or until Kong's PostgreSQL accepts clients. Separate"
        + " several with commas, or repeat the option."),
    Setting(
      .waitTimeout, "--wait-timeout", variable: "ENTRYPOINT_WAIT_TIMEOUT", .text("TIME"),
      in: .command,
      "How long all services together may take. Then the start ends with status 69.",
      usual: "\(WaitRequest.usualTimeout.text)"),
    Setting(
      .waitInterval, "--wait-interval", variable: "ENTRYPOINT_WAIT_INTERVAL", .text("TIME"),
      in: .command, "How long after an attempt the next one begins.",
      usual: "\(WaitRequest.usualInterval.text)"),
    Setting(
      .proxy, "--proxy", variable: "ENTRYPOINT_PROXY", .text("PATH"), in: .kong,
      "The nginx binary.",
      usual: "\(Request.defaultProxy)"),
    Setting(
      nil, nil, variable: "ENTRYPOINT_HOOKS", choice(OnOff.self), in: .kong,
      "Run the programs in /docker-entrypoint.d before \"kong prepare\".", usual: "on"),
    Setting(
      nil, nil, variable: "ENTRYPOINT_LOG_LINKS", choice(OnOff.self), in: .kong,
      "Link Kong's log files to standard output and standard error.", usual: "on"),
    Setting(
      nil, nil, variable: "ENTRYPOINT_WORKERS", choice(OnOff.self), in: .kong,
      "If no setting gives the number of nginx's workers, and the container may use fewer processors"
        + " than there are, start one worker for each that it may use.", usual: "on"),
    Setting(
      nil, nil, variable: "ENTRYPOINT_KEEP_GROUPS", choice(OnOff.self), in: .kong,
      "Keep the groups that the container engine added (fsGroup, --group-add) when the user"
        + " changes.", usual: "on"),
    Setting(
      nil, nil, variable: "ENTRYPOINT_KONG_DEFAULTS", .text("PATH"), in: .kong,
      "Kong's own list of its options.", usual: "\(KongDefaults.defaultPath)"),
    Setting(
      .health, "--health", in: .kong,
      "Ask a Kong that runs in this container whether it serves: for HEALTHCHECK, and for probes. If"
        + " KONG_STATUS_LISTEN names a listener without TLS, entrypoint asks it over HTTP, without"
        + " privileges and without Lua; otherwise it runs \"kong health\". The exit status is 0 or 1."
    ),
    Setting(
      .supervises, "--init", variable: "ENTRYPOINT_INIT", in: .supervisor,
      "Stay as the command's parent, without privileges: forward signals, reap orphans, and end"
        + " with the command's status. ENTRYPOINT_INIT=on does the same.",
      usual: "off, the command replaces this process"),
    Setting(
      .stopDelay, "--stop-delay", variable: "ENTRYPOINT_STOP_DELAY", .text("TIME"),
      in: .supervisor,
      "How long the command runs on after TERM or QUIT before it gets its stop signal; a second one"
        + " ends the delay. A load balancer, for example, still sends clients then. TIME is a number of"
        + " seconds, or has a unit: 500ms, 10s, 1m.", usual: "0"),
    Setting(
      .stopTimeout, "--stop-timeout", variable: "ENTRYPOINT_STOP_TIMEOUT", .text("TIME"),
      in: .supervisor,
      "How long the command may run after TERM or QUIT. Then it gets TERM, and 2 s later KILL.",
      usual: "no limit"),
    Setting(
      .stopSignal, "--stop-signal", variable: "ENTRYPOINT_STOP_SIGNAL", .text("SIGNAL"),
      in: .supervisor, "The signal that the command gets for TERM or QUIT.",
      usual: "QUIT for kong docker-start, the same signal for any other command"),
    Setting(
      .dryRun, "--dry-run", in: .plan, "Print the plan. Change nothing, run nothing."),
    Setting(
      .check, "--check", in: .plan,
      "Check what would keep Kong from being reached, or end it later. Print one line for each check;"
        + " change nothing, run nothing."),
    Setting(
      nil, nil, variable: "ENTRYPOINT_CHECKS", .text("-NAME,..."), in: .plan,
      "Leave out these checks, here and in a start; \"off\" leaves out all.", usual: "on"),
    Setting(
      .format, "--format", choice(PlanFormat.self), in: .plan,
      "The form of the plan: text, JSON, or only what this start needs, as flags of docker run or as"
        + " the securityContext of a pod. With --check: text or JSON.", usual: "text"),
    Setting(
      .logLevel, "--log-level", variable: "ENTRYPOINT_LOG_LEVEL", choice(LogLevel.self), in: .log,
      "How much is reported on standard error.", usual: "info"),
    Setting(
      .logFormat, "--log-format", variable: "ENTRYPOINT_LOG_FORMAT", choice(LogFormat.self),
      in: .log, "The form of these messages.", usual: "text"),
    Setting(.version, "--version", in: .about, "Print the version."),
    Setting(.help, "--help", or: "-h", in: .about, "Print this text."),
  ]

  private static func choice<Words: Choice>(_ type: Words.Type) -> Value {
    .choice(Words.words)
  }
}

/// The forms in which `--dry-run` prints; `--check` has the first two.
package enum PlanFormat: String, Choice, Sendable {
  case text
  case json
  /// The fewest flags for `docker run`.
  case docker
  /// The smallest security context for a pod.
  case kubernetes
}
