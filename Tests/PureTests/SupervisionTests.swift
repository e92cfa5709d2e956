import Plan
import Testing
import Text

/// The decisions of a supervisor, for all sequences of events up to a length.
@Suite struct SupervisionTests {
  private static let second = 1000
  private static let policies: [StopPolicy] = [
    StopPolicy(),
    StopPolicy(signal: .quit, stopsAtInterrupt: true),
    StopPolicy(delay: span(2), signal: .quit, stopsAtInterrupt: true),
    StopPolicy(timeout: span(5), signal: .quit, stopsAtInterrupt: true),
    StopPolicy(delay: span(2), timeout: span(5), signal: .quit, stopsAtInterrupt: true),
    StopPolicy(delay: span(2), timeout: span(5)),
  ]

  private static func span(_ seconds: Int) -> TimeSpan {
    TimeSpan(milliseconds: seconds * second)
  }

  // MARK: every sequence

  /// The events to combine; `deadline` moves the time to the next deadline.
  private static let events: [Supervision.Event] = [
    .signal(.terminate), .signal(.quit), .signal(.interrupt), .signal(.hangUp),
    .signal(.childEnded), .signal(.resume), .commandStopped(by: .terminalStop),
    .commandEnded(.exited(3)),
    .nothingLeft, .deadline,
  ]

  @Test(arguments: policies, [Supervision.Terminal.none, .shared, .own])
  func `no sequence of events breaks a rule`(_ policy: StopPolicy, terminal: Supervision.Terminal) {
    var walk = Walk(policy, terminal: terminal)
    walk.go(deeper: 5)
    #expect(walk.violations.prefix(3).joined(separator: "\n") == "")
    #expect(walk.sequences == 111_110)
  }

  /// Walks through all sequences, and checks each step against rules that know only the past events.
  private struct Walk {
    private let policy: StopPolicy
    private var supervision: Supervision
    private var now = 0
    private var past: [Supervision.Event] = []
    private var actions: [Supervision.Action] = []
    private var firstStop: Int?
    private var isCommandEnded = false
    private var isOver = false
    private(set) var sequences = 0
    private(set) var violations: [String] = []

    init(_ policy: StopPolicy, terminal: Supervision.Terminal) {
      self.policy = policy
      supervision = Supervision(policy, terminal: terminal)
    }

    mutating func go(deeper depth: Int) {
      guard depth > 0 else { return }
      for event in SupervisionTests.events {
        var next = self
        (next.sequences, next.violations) = (0, [])
        next.take(event)
        next.go(deeper: depth - 1)
        sequences += 1 + next.sequences
        violations += next.violations.prefix(3)
      }
    }

    private mutating func take(_ event: Supervision.Event) {
      if event == .deadline { now = max(now, supervision.deadline ?? now) }
      past.append(event)
      actions = supervision.actions(for: event, at: now)
      check(event)
    }

    private mutating func rule(_ text: String, _ holds: Bool) {
      if !holds { violations.append("\(text): \(policy) \(past) -> \(actions)") }
    }

    private var isStopRequest: Bool {
      let last = past.last
      return last == .signal(.terminate) || last == .signal(.quit)
        || last == .signal(.interrupt) && policy.stopsAtInterrupt
    }

    private mutating func check(_ event: Supervision.Event) {
      let sent = actions.compactMap { if case .send(let signal) = $0 { signal } else { nil } }
      let toGroup = actions.compactMap {
        if case .sendToGroup(let signal) = $0 { signal } else { nil }
      }
      let end = actions.compactMap { if case .end(let status) = $0 { status } else { nil } }.first
      if isOver { return rule("nothing after the end", actions.isEmpty) }
      if isStopRequest, !isCommandEnded, firstStop == nil { firstStop = now }

      if isCommandEnded {
        rule("no signal to a command that has ended", sent.isEmpty)
        rule("the status is the command's", end == nil || end == 3)
      } else {
        checkRunning(event, sent)
        rule("it ends with the command", end == nil || end == 137 && policy.timeout != nil)
      }
      rule(
        "what is left is killed at the deadline",
        end == nil || event != .deadline || !isCommandEnded || toGroup == [.kill])
      rule(
        "there is a deadline only for a stop, or at the end",
        supervision.deadline == nil || firstStop != nil || isCommandEnded
          || event == .commandEnded(.exited(3)))
      rule(
        "a deadline passes once",
        event != .deadline || (supervision.deadline ?? .max) > now)
      rule(
        "after the end of the command there is a deadline",
        !isCommandEnded || end != nil || supervision.deadline != nil)
      if event == .commandEnded(.exited(3)), !isCommandEnded {
        isCommandEnded = true
        rule("its group gets TERM", toGroup == [.terminate, .resume])
      }
      if end != nil { isOver = true }
    }

    private mutating func checkRunning(_ event: Supervision.Event, _ sent: [Signal]) {
      switch event {
      case .signal(.hangUp): rule("HUP passes through", sent == [.hangUp])
      case .signal(.childEnded): rule("CHLD does not pass through", actions.isEmpty)
      case .signal(.resume):
        rule("CONT passes through", sent == [.resume] || actions == [.continueCommand])
      case .signal(.interrupt):
        rule("INT is sent at once", sent == [policy.stopsAtInterrupt ? .terminate : .interrupt])
      case .signal(let stop): checkStop(stop, sent)
      case .deadline: checkDeadline(sent)
      default: rule("nothing is sent", sent.isEmpty)
      }
    }

    private mutating func checkStop(_ stop: Signal, _ sent: [Signal]) {
      let others = past.dropLast().filter {
        $0 == .signal(.terminate) || $0 == .signal(.quit) || $0 == .deadline
          || policy.stopsAtInterrupt && $0 == .signal(.interrupt)
      }
      let isFirst = !others.contains { $0 != .deadline }
      if isFirst, policy.delay > .zero {
        rule("the first stop signal waits for the delay", sent.isEmpty)
      } else {
        rule("any other stop signal is sent at once", sent == [policy.signal ?? stop])
      }
    }

    private mutating func checkDeadline(_ sent: [Signal]) {
      guard let firstStop else {
        return rule("without a stop request, time changes nothing", sent.isEmpty)
      }
      let passed = now - firstStop
      if sent == [.kill] {
        rule("KILL comes 2 s later", passed == (policy.timeout?.milliseconds ?? .max) + 2000)
      } else if sent == [.terminate], policy.signal != nil {
        rule("TERM comes at the timeout", passed == policy.timeout?.milliseconds)
      } else if !sent.isEmpty {
        rule(
          "the stop signal is sent after the delay",
          passed == policy.delay.milliseconds || passed == policy.timeout?.milliseconds)
      }
    }
  }

  // MARK: single sequences

  @Test func `Kong gets QUIT after the delay, and a second signal skips it`() {
    var supervision = Supervision(
      StopPolicy(delay: Self.span(2), signal: .quit, stopsAtInterrupt: true), terminal: .none)
    #expect(supervision.deadline == nil)
    #expect(
      supervision.actions(for: .signal(.terminate), at: 100)
        == [.report(.delay(of: Self.span(2), .terminate, until: .quit))])
    #expect(supervision.deadline == 2100)
    var impatient = supervision
    #expect(supervision.actions(for: .deadline, at: 2100) == [.send(.quit)])
    #expect(supervision.deadline == nil)
    #expect(impatient.actions(for: .signal(.terminate), at: 200) == [.send(.quit)])
    #expect(impatient.deadline == nil)
  }

  @Test func `a command that does not end gets TERM at the timeout, and KILL 2 s later`() {
    var supervision = Supervision(
      StopPolicy(timeout: Self.span(5), signal: .quit), terminal: .none)
    #expect(supervision.actions(for: .signal(.terminate), at: 0) == [.send(.quit)])
    #expect(
      supervision.actions(for: .deadline, at: 5000)
        == [.report(.timeout(Self.span(5))), .send(.terminate)])
    #expect(
      supervision.actions(for: .deadline, at: 7000)
        == [.report(.killed), .sendToGroup(.kill), .send(.kill)])
    #expect(
      supervision.actions(for: .deadline, at: 9000) == [.report(.leftRunning), .end(137)])
  }

  @Test func `a stopped command gets the stop signal and is continued`() {
    var supervision = Supervision(StopPolicy(), terminal: .none)
    #expect(supervision.actions(for: .commandStopped(by: .terminalStop), at: 0) == [])
    #expect(
      supervision.actions(for: .signal(.terminate), at: 0) == [.send(.terminate), .continueCommand])
  }

  @Test func `the supervisor stops with a command on a shell's terminal, and continues it`() {
    var supervision = Supervision(StopPolicy(), terminal: .shared)
    #expect(
      supervision.actions(for: .commandStopped(by: .terminalStop), at: 0) == [.stopLikeCommand])
    #expect(supervision.actions(for: .signal(.resume), at: 0) == [.continueCommand])
    #expect(supervision.actions(for: .signal(.resume), at: 0) == [.send(.resume)])
  }

  @Test func `Ctrl-Z does not stop a command that nobody could continue`() {
    var supervision = Supervision(StopPolicy(), terminal: .own)
    #expect(
      supervision.actions(for: .commandStopped(by: .terminalStop), at: 0) == [.continueCommand])
    #expect(supervision.actions(for: .commandStopped(by: .stop), at: 0) == [])
  }

  // MARK: texts

  @Test(
    arguments: [
      ("0", 0), ("10", 10_000), ("10s", 10_000), ("500ms", 500), ("1m", 60_000), ("1.5s", 1500),
      ("0.25", 250), ("1h", 3_600_000), ("24h", 86_400_000), ("0.5ms", nil), ("25h", nil),
      ("", nil), ("s", nil), ("-1", nil), ("1.", nil), (".5", nil), ("1.2.3", nil), ("10 s", nil),
      ("1e3", nil), ("9999999999", nil), ("0.0000000001", nil), ("1d", nil), ("\u{0661}", nil),
    ] as [(String, Int?)])
  func `a time is a number with a unit`(_ text: String, milliseconds: Int?) {
    #expect(TimeSpan(ByteString(text))?.milliseconds == milliseconds)
  }

  @Test func `the text of a time is read as the same time`() {
    for number in 0...4000 {
      for span in [TimeSpan(milliseconds: number), TimeSpan(milliseconds: number * 20_000)] {
        #expect(span.milliseconds > 86_400_000 || TimeSpan(ByteString(span.text)) == span)
      }
    }
  }

  @Test(
    arguments: [
      ("TERM", 15), ("SIGTERM", 15), ("sigterm", 15), ("15", 15), ("WINCH", 28), ("RTMIN+3", 37),
      ("RTMIN+30", 64), ("RTMIN+31", nil), ("0", nil), ("32", nil), ("65", nil), ("SIG", nil),
      ("NONE", nil), ("", nil),
    ] as [(String, Int32?)])
  func `a signal has a name or a number`(_ word: String, number: Int32?) {
    #expect(Signal(named: ByteString(word))?.number == number)
  }

  @Test func `the name of a signal is read as the same signal`() {
    for number in Array(1...31) + Array(34...64) as [Int32] {
      #expect(Signal(named: ByteString(Signal(number).name))?.number == number)
    }
  }
}
