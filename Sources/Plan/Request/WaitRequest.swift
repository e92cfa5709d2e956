import Kong
package import Services
package import Text

/// The services that a start is asked to wait for.
package struct WaitRequest: Equatable, Sendable {
  /// One of them.
  package enum Subject: Equatable, Sendable {
    /// Kong's, where its settings say.
    case database
    case service(ServiceAddress)

    /// Reads "database" or "HOST:PORT", separated by commas; nil if one of them is something else.
    package static func list(_ text: ByteString) -> [Subject]? {
      var subjects: [Subject] = []
      for part in text.bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        let word = luaTrimmed(part)
        if word.equals("database") {
          subjects.append(.database)
        } else if let address = ServiceAddress(ByteString(Array(word))) {
          subjects.append(.service(address))
        } else {
          return nil
        }
      }
      return subjects
    }

    /// The rule that any other text breaks.
    package static let rule =
      "it must be the word database, or \(ServiceAddress.rule.dropFirst(11))"
  }

  /// The services, in the order in which they are waited for.
  package var subjects: [Subject]
  /// The option or the variable that names them.
  package var origin: String
  /// How long all of them may take together.
  package var timeout: TimeSpan
  /// How long after an attempt the next one begins.
  package var interval: TimeSpan

  private static let variable = "ENTRYPOINT_WAIT_FOR"
  private static let timeoutVariable = "ENTRYPOINT_WAIT_TIMEOUT"
  private static let intervalVariable = "ENTRYPOINT_WAIT_INTERVAL"

  /// The default time in which all must answer.
  package static let usualTimeout = TimeSpan(milliseconds: 60_000)
  /// The default time between two attempts.
  package static let usualInterval = TimeSpan(milliseconds: 1000)

  /// The wait that options, or else variables, ask for; nil if they ask for none.
  ///
  /// - Throws: ``StartFailure`` for values that are invalid, and for an option without `--wait-for`.
  init?(_ options: Options, _ environment: Environment) throws(StartFailure) {
    let timeout = try environment.waitTime(WaitRequest.timeoutVariable)
    let interval = try environment.waitTime(WaitRequest.intervalVariable)
    var named: [Subject] = []
    if let value = environment.nonEmpty(WaitRequest.variable) {
      guard let list = Subject.list(value) else { throw WaitRequest.invalid(value) }
      named = list
    }
    subjects = options.waitFor.isEmpty ? named : options.waitFor
    origin = options.waitFor.isEmpty ? WaitRequest.variable : "--wait-for"
    guard !subjects.isEmpty else {
      if options.waitTimeout != nil { throw WaitRequest.alone("--wait-timeout") }
      if options.waitInterval != nil { throw WaitRequest.alone("--wait-interval") }
      return nil
    }
    self.timeout = options.waitTimeout ?? timeout ?? WaitRequest.usualTimeout
    self.interval = options.waitInterval ?? interval ?? WaitRequest.usualInterval
  }

  /// Reads a time that is not zero; nil for anything else.
  package static func time(_ text: ByteString) -> TimeSpan? {
    TimeSpan(text).flatMap { $0 > .zero ? $0 : nil }
  }

  /// The rule that any other time breaks.
  package static let timeRule = "\(TimeSpan.rule), and more than 0"

  private static func invalid(_ value: ByteString) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration, what: "\(variable) is \"\(value)\"",
      why: "\(Subject.rule); several are separated by commas",
      waysOut: [
        "set it to one of these, such as database,redis:6379", "unset it to wait for nothing",
      ])
  }

  private static func alone(_ option: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.usage, what: "\(option) was given without --wait-for",
      why: "nothing is waited for", waysOut: ["add --wait-for database", "leave out \(option)"])
  }
}

extension Request {
  /// Whether Kong's database is waited for.
  package var waitsForDatabase: Bool { wait?.subjects.contains(.database) ?? false }
}

extension Environment {
  /// The time that a variable gives; nil if it is unset or empty.
  fileprivate func waitTime(_ name: String) throws(StartFailure) -> TimeSpan? {
    guard let value = nonEmpty(name) else { return nil }
    if let time = WaitRequest.time(value) { return time }
    throw StartFailure(
      status: ExitStatus.configuration, what: "\(name) is \"\(value)\"", why: WaitRequest.timeRule,
      waysOut: ["set it to one of these, such as 10s", "unset it for the default"])
  }
}
