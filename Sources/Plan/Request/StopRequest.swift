import Kong
import Text

extension StopPolicy {
  /// The policy of the options, or of their variables; nil without a supervisor.
  ///
  /// - Parameter isKong: whether the command becomes nginx, which finishes its requests after QUIT.
  /// - Throws: ``StartFailure`` for values that are invalid or contradict each other.
  init?(_ options: Options, _ environment: Environment, isKong: Bool) throws(StartFailure) {
    let initVariable: OnOff? = try environment.choice(Environment.initVariable)
    let delay = try environment.time("ENTRYPOINT_STOP_DELAY")
    let timeout = try environment.time("ENTRYPOINT_STOP_TIMEOUT")
    let signal = try environment.signal("ENTRYPOINT_STOP_SIGNAL")
    guard options.supervises || initVariable == .on else {
      if let option = options.nameOfStopOption { throw StartFailure.withoutInit(option) }
      return nil
    }
    self.init(
      delay: options.stopDelay ?? delay ?? .zero, timeout: options.stopTimeout ?? timeout,
      signal: options.stopSignal ?? signal ?? (isKong ? .quit : nil), stopsAtInterrupt: isKong)
    if let signal = self.signal, [.kill, .stop, .childEnded].contains(signal) {
      throw StartFailure.uselessStopSignal(
        signal, options.stopSignal == nil ? "ENTRYPOINT_STOP_SIGNAL" : "--stop-signal")
    }
    if let timeout = self.timeout, timeout <= self.delay {
      throw StartFailure.noTimeLeft(delay: self.delay, timeout: timeout)
    }
  }
}

extension Environment {
  fileprivate static let initVariable = "ENTRYPOINT_INIT"

  /// The time that a variable gives; nil if it is unset or empty.
  fileprivate func time(_ name: String) throws(StartFailure) -> TimeSpan? {
    guard let value = nonEmpty(name) else { return nil }
    if let time = TimeSpan(value) { return time }
    throw StartFailure(
      status: ExitStatus.configuration, what: "\(name) is \"\(value)\"", why: TimeSpan.rule,
      waysOut: ["set it to one of these, such as 10s", "unset it for the default"])
  }

  /// The signal that a variable names; nil if it is unset or empty.
  fileprivate func signal(_ name: String) throws(StartFailure) -> Signal? {
    guard let value = nonEmpty(name) else { return nil }
    if let signal = Signal(named: value) { return signal }
    throw StartFailure(
      status: ExitStatus.configuration, what: "\(name) is \"\(value)\"", why: Signal.rule,
      waysOut: ["set it to one of these, such as TERM", "unset it for the default"])
  }

  /// Warnings about variables that only a supervisor reads, if there is none.
  var unusedStopVariables: [Explanation] {
    ["ENTRYPOINT_STOP_DELAY", "ENTRYPOINT_STOP_TIMEOUT", "ENTRYPOINT_STOP_SIGNAL"]
      .filter { nonEmpty($0) != nil }
      .map {
        Explanation(
          what: "\($0) has no effect without a supervisor",
          why:
            "the command replaces this process, and gets the signal that stops the container at once",
          waysOut: ["set \(Environment.initVariable)=on", "unset \($0)"])
      }
  }
}

extension Options {
  /// The first option that needs a supervisor; nil if none is given.
  fileprivate var nameOfStopOption: String? {
    if stopDelay != nil { return "--stop-delay" }
    if stopTimeout != nil { return "--stop-timeout" }
    return stopSignal == nil ? nil : "--stop-signal"
  }
}

extension StartFailure {
  fileprivate static func withoutInit(_ option: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.usage, what: "\(option) was given without --init",
      why: "the command replaces this process, so no process is left that could apply it",
      waysOut: ["add --init", "leave out \(option)"])
  }

  fileprivate static func uselessStopSignal(_ signal: Signal, _ origin: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration, what: "\(origin): the stop signal is \(signal.name)",
      why: "no command shuts down cleanly on this signal",
      waysOut: [
        "name TERM, QUIT or INT, whichever ends the command", "leave out \(origin) for the default",
      ])
  }

  fileprivate static func noTimeLeft(delay: TimeSpan, timeout: TimeSpan) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "the stop timeout, \(timeout.text), is not longer than the stop delay, \(delay.text)",
      why:
        "both begin with the signal to stop, so no time is left for the stop itself",
      waysOut: [
        "set a longer timeout: --stop-timeout, ENTRYPOINT_STOP_TIMEOUT",
        "set a shorter delay: --stop-delay, ENTRYPOINT_STOP_DELAY",
        "leave out the timeout for no limit",
      ])
  }
}
