package import Plan
package import Report
package import Text

/// What the command line asks for.
package struct Invocation: Equatable, Sendable {
  /// What is to be done.
  package enum Action: Equatable, Sendable {
    case start
    case dryRun(PlanFormat)
    case check(CheckFormat)
    case health
    case help
    case version
  }

  /// What is to be done.
  package var action = Action.start
  /// The command and its arguments, the same bytes as given.
  package var command: [ByteString] = []
  /// What the other options say of the start.
  package var options = Options()
  /// `--log-level`.
  package var logLevel: LogLevel?
  /// `--log-format`.
  package var logFormat: LogFormat?

  private var isDryRun = false
  private var isCheck = false
  private var isHealth = false
  private var format: PlanFormat?

  /// Parses the arguments after the program's name.
  ///
  /// The first argument that does not begin with "-" is the command, and all that follows belongs to
  /// it. "--" ends the options.
  ///
  /// - Throws: ``StartFailure`` with the status 64.
  package init(_ arguments: [ByteString]) throws(StartFailure) {
    var rest = arguments[...]
    while let argument = rest.first, argument.bytes.first == UInt8(ascii: "-") {
      rest = rest.dropFirst()
      if argument == "--" { break }
      let (name, attached) = Invocation.split(argument)
      guard let setting = Setting.named(name), let option = setting.option else {
        throw Invocation.unknown(name)
      }
      var value = attached
      if setting.value == .none {
        guard attached == nil else { throw Invocation.unwanted(name) }
      } else if value == nil, let next = rest.first, next.bytes.first != UInt8(ascii: "-") {
        value = next
        rest = rest.dropFirst()
      }
      if setting.value != .none, value?.bytes.isEmpty ?? true { throw setting.lacksValue }
      try set(option, value ?? "", setting)
      if action == .help || action == .version { return }
    }
    command = Array(rest)
    if isHealth {
      guard command.isEmpty, !isDryRun, !isCheck else { throw Invocation.healthAlone }
      command = ["kong", "health"]
      action = .health
    }
    switch (isDryRun, isCheck) {
    case (true, true): throw Invocation.dryRunAndCheck
    case (true, false): action = .dryRun(format ?? .text)
    case (false, true): action = .check(try Invocation.checkFormat(format ?? .text))
    case (false, false): guard format == nil else { throw Invocation.formatAlone }
    }
  }

  private mutating func set(
    _ option: Setting.Option, _ value: ByteString, _ setting: Setting
  ) throws(StartFailure) {
    switch option {
    case .dryRun: isDryRun = true
    case .check: isCheck = true
    case .health: isHealth = true
    case .format: format = try setting.choice(value)
    case .user: options.user = value.description
    case .capability:
      options.capabilities += value.bytes.split(separator: UInt8(ascii: ",")).map {
        ByteString(Array($0)).description
      }
    case .capabilityMode: options.mode = try setting.choice(value)
    case .noNewPrivileges:
      let choice: OnOff = try setting.choice(value)
      options.noNewPrivileges = choice == .on
    case .proxy: options.proxy = value
    case .supervises: options.supervises = true
    case .stopDelay: options.stopDelay = try setting.parsed(value, TimeSpan(value), TimeSpan.rule)
    case .stopTimeout:
      options.stopTimeout = try setting.parsed(value, TimeSpan(value), TimeSpan.rule)
    case .stopSignal:
      options.stopSignal = try setting.parsed(value, Signal(named: value), Signal.rule)
    case .waitFor:
      options.waitFor += try setting.parsed(
        value, WaitRequest.Subject.list(value), WaitRequest.Subject.rule)
    case .waitTimeout:
      options.waitTimeout = try setting.parsed(
        value, WaitRequest.time(value), WaitRequest.timeRule)
    case .waitInterval:
      options.waitInterval = try setting.parsed(
        value, WaitRequest.time(value), WaitRequest.timeRule)
    case .logLevel: logLevel = try setting.choice(value)
    case .logFormat: logFormat = try setting.choice(value)
    case .help: action = .help
    case .version: action = .version
    }
  }

  /// "--name=value" in its two parts.
  private static func split(_ argument: ByteString) -> (name: ByteString, value: ByteString?) {
    guard let equals = argument.bytes.firstIndex(of: UInt8(ascii: "=")) else {
      return (argument, nil)
    }
    return (
      ByteString(Array(argument.bytes[..<equals])),
      ByteString(Array(argument.bytes[(equals + 1)...]))
    )
  }

  private static func unknown(_ name: ByteString) -> StartFailure {
    let similar = Setting.all.compactMap { $0.name }.filter {
      ByteString($0).isSimilar(to: name)
    }
    return StartFailure(
      status: ExitStatus.usage, what: "there is no option \(name)",
      why: "the command must not begin with \"-\", so this was read as an option",
      waysOut: similar.map { "did you mean \($0)?" } + [
        "if it is an argument of the command, write the command before it",
        "entrypoint --help lists the options",
      ])
  }

  private static func unwanted(_ name: ByteString) -> StartFailure {
    StartFailure(
      status: ExitStatus.usage, what: "\(name) was given a value",
      why: "this option is a switch and takes no value", waysOut: ["write \(name)"])
  }

  private static let formatAlone = StartFailure(
    status: ExitStatus.usage, what: "--format was given without --dry-run or --check",
    why: "it sets the form of what these print",
    waysOut: ["add --dry-run", "add --check", "leave out --format"])

  private static let dryRunAndCheck = StartFailure(
    status: ExitStatus.usage, what: "--dry-run and --check were given together",
    why: "each prints something of its own on standard output",
    waysOut: ["leave out one of them", "run entrypoint once with each"])

  private static func checkFormat(_ format: PlanFormat) throws(StartFailure) -> CheckFormat {
    if let format = CheckFormat(rawValue: format.rawValue) { return format }
    throw StartFailure(
      status: ExitStatus.usage, what: "--check was given --format \(format.rawValue)",
      why: "\(CheckFormat.rule)",
      waysOut: ["--check --format json", "--dry-run --format \(format.rawValue)"])
  }

  private static let healthAlone = StartFailure(
    status: ExitStatus.usage, what: "--health was given with a command, --dry-run or --check",
    why: "it asks a Kong that runs already, and starts nothing",
    waysOut: ["write entrypoint --health", "leave out --health"])
}

extension Setting {
  /// The setting whose option has a name, or a short name.
  fileprivate static func named(_ name: ByteString) -> Setting? {
    all.first { setting in
      [setting.name, setting.shortName].contains { $0.map { ByteString($0) } == name }
    }
  }

  /// The choice that a value names, in any case.
  fileprivate func choice<Value: Choice>(_ value: ByteString) throws(StartFailure) -> Value {
    try parsed(value, Value(named: value), Value.rule)
  }

  /// What was made of a value.
  ///
  /// - Throws: ``StartFailure`` with the rule where nothing was.
  fileprivate func parsed<Value>(
    _ value: ByteString, _ parsed: Value?, _ rule: String
  ) throws(StartFailure) -> Value {
    if let parsed { return parsed }
    throw StartFailure(
      status: ExitStatus.usage, what: "\(name ?? "") is given \"\(value)\"",
      why: rule,
      waysOut: ["give it one of these", wayWithout])
  }

  fileprivate var lacksValue: StartFailure {
    let name = name ?? ""
    return StartFailure(
      status: ExitStatus.usage, what: "\(name) has no value",
      why: "a value must follow it, and one that begins with \"-\" must follow \"=\"",
      waysOut: ["write \(name) \(value.text)", wayWithout])
  }

  private var wayWithout: String { usual.isEmpty ? "leave it out" : "leave it out for the default" }
}

extension Setting.Value {
  /// The value as `--help` shows it: "USER[:GROUP]", "on|off".
  package var text: String {
    switch self {
    case .none: ""
    case .text(let name): name
    case .choice(let words): words.joined(separator: "|")
    }
  }
}
