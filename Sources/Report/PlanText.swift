import Kong
import Nginx
import Capabilities
package import Plan
import Text

/// A plan as `--dry-run` prints it for people.
package struct PlanText: Sendable {
  private let plan: Plan
  private let host: HostSnapshot
  private let isColored: Bool
  private var lines: [String] = []

  /// Lays out a plan.
  ///
  /// - Parameter isColored: use SGR colours (ECMA-48), for a terminal.
  package init(_ plan: Plan, snapshot: HostSnapshot, isColored: Bool) {
    self.plan = plan
    self.host = snapshot
    self.isColored = isColored
  }

  /// The whole text, with a newline at its end.
  package func render() -> String {
    var text = self
    text.head()
    text.secrets()
    text.listeners()
    text.capabilities()
    text.grant()
    text.workers()
    text.steps()
    text.supervisor()
    text.result()
    text.explanations()
    return text.lines.joined(separator: "\n") + "\n"
  }

  private var names: CapabilityNames { host.capabilityNames }

  private mutating func head() {
    let command = plan.command.map { $0.description }.joined(separator: " ")
    lines.append(bold("Plan for `\(command)`"))
    if let failure = plan.failure {
      lines.append(red("This start cannot succeed: exit status \(failure.status)."))
    }
    title("Started with")
    row("user", "uid \(host.credentials.user.effective)")
    row("permitted", names.text(of: host.credentials.permitted))
    row("ambient", names.text(of: host.credentials.ambient))
    row("bounding", names.text(of: host.credentials.bounding))
    row("no_new_privs", host.credentials.noNewPrivileges ? "on" : "off")
  }

  private mutating func secrets() {
    guard !plan.secrets.isEmpty else { return }
    title("Secrets")
    let width = plan.secrets.map { $0.reference.variable.count }.max() ?? 0
    for setting in plan.secrets {
      lines.append(
        "  \(padded(setting.reference.variable, to: width))  from \(setting.reference.path),"
          + " \(setting.secret.count) bytes")
    }
  }

  private mutating func listeners() {
    guard !plan.listeners.isEmpty else { return }
    title("Listeners")
    let start = host.unprivilegedPortStart
    let shown = plan.listeners.prefix(PlanText.listLimit)
    let width = shown.map { $0.endpoint.count }.max() ?? 0
    let sourceWidth = shown.map { $0.source.count }.max() ?? 0
    for listener in shown {
      let needs = listener.needs(unprivilegedPortStart: start)
      let text = needs.isEmpty ? "needs nothing" : "needs " + names.text(of: needs)
      let flags = listener.flags.joined(separator: " ")
      let source = flags.isEmpty ? listener.source : padded(listener.source, to: sourceWidth)
      lines.append(
        "  \(padded(listener.endpoint, to: width))  \(padded(text, to: 26))  "
          + dim(flags.isEmpty ? source : "\(source)  \(flags)"))
    }
    more(plan.listeners.count - shown.count)
  }

  private mutating func capabilities() {
    guard !plan.needs.isEmpty else { return }
    title("Capabilities")
    let width = plan.needs.map { names.name(of: $0.capability).count }.max() ?? 0
    for need in plan.needs {
      lines.append("  \(padded(names.name(of: need.capability), to: width))  for \(need.summary)")
      if need.capability == .netBindService, !need.listeners.isEmpty {
        let rule =
          "ports below \(host.unprivilegedPortStart)"
          + " (net.ipv4.ip_unprivileged_port_start of this network namespace)"
        lines.append("  \(padded("", to: width))  " + dim(rule))
      }
    }
  }

  private mutating func grant() {
    guard plan.failure == nil else { return }
    title("Grant")
    switch plan.grant {
    case .none where plan.prepare.isEmpty && plan.prepareGrant != nil: break
    case .none:
      lines.append("  none" + reasonForNoGrant)
    case .file(let set, let path):
      let isWritten = plan.launch.contains {
        if case .changeFile(.setCapabilities) = $0 { true } else { false }
      }
      let state = isWritten ? "" : " (already there, nothing is written)"
      lines.append("  file: \(names.fileText(of: set)) on \(path)\(state)")
    case .ambient(let set):
      lines.append("  ambient: \(names.text(of: set))")
    }
    if let prepare = plan.prepareGrant {
      lines.append("  \(preparedBy): \(text(of: prepare.grant)) (\(prepare.reason))")
    }
  }

  private mutating func workers() {
    guard plan.failure == nil, let workers = plan.workers else { return }
    title("Workers")
    lines.append("  \(workers.count): \(workers.reason)")
  }

  /// The command that gets something for its `nginx -t`.
  private var preparedBy: String {
    plan.prepare.isEmpty
      ? plan.command.prefix(2).map { $0.description }.joined(separator: " ") : "kong prepare"
  }

  private func text(of grant: Grant) -> String {
    switch grant {
    case .none: "nothing"
    case .file(let set, _): "\(names.text(of: set)) from nginx's file"
    case .ambient(let set): "ambient \(names.text(of: set))"
    }
  }

  private var reasonForNoGrant: String {
    if plan.needs.isEmpty { return ": nothing is needed" }
    let needed = CapabilitySet(plan.needs.map { $0.capability })
    let isThere = needed.isSubset(of: plan.result?.effective ?? [])
    return isThere ? ": it is there already" : ": see the warnings"
  }

  private mutating func steps() {
    if !plan.prepare.isEmpty {
      title("Prepare")
      lines += plan.prepare.flatMap(block)
    }
    if !plan.launch.isEmpty {
      title("Launch")
      lines += plan.launch.flatMap(block)
    }
  }

  /// A step, and below it those that a child carries out.
  private func block(_ step: Step) -> [String] {
    [line(of: step, indent: "  ")] + step.stepsOfChild.map { line(of: $0, indent: "    ") }
  }

  private func line(of step: Step, indent: String) -> String {
    "\(indent)\(padded(step.name, to: 28 - indent.count))\(step.detail(names))"
  }

  private mutating func supervisor() {
    guard let supervisor = plan.supervisor else { return }
    title("Supervisor")
    row("user", plan.user?.description ?? "")
    row("permitted", names.text(of: supervisor.credentials.permitted))
    row("bounding", names.text(of: supervisor.credentials.bounding))
    row("no_new_privs", supervisor.credentials.noNewPrivileges ? "on" : "off")
    let policy = supervisor.policy
    row("stop delay", policy.delay == .zero ? "none" : policy.delay.text)
    row(
      "stop timeout",
      policy.timeout.map { "\($0.text), then TERM, \(StopPolicy.patience.text) later KILL" }
        ?? "none")
    row("stop signal", policy.signal?.name ?? "the same as it gets")
    let steps = supervisor.steps + supervisor.stepsBesideCommand
    lines += steps.map { line(of: $0, indent: "  ") }
  }

  private mutating func result() {
    guard plan.failure == nil, let result = plan.result else { return }
    title("The command then runs with")
    row("user", (plan.user?.description ?? "") + ", groups \(groups(of: result))")
    row("permitted", names.text(of: result.permitted))
    row("effective", names.text(of: result.effective))
    row("inheritable", names.text(of: result.inheritable))
    row("ambient", names.text(of: result.ambient))
    row("bounding", names.text(of: result.bounding))
    row("no_new_privs", result.noNewPrivileges ? "on" : "off")
    row("secure execution", plan.secureExecution ? "on (LD_* variables are ignored)" : "off")
    lines += plan.notes.map { dim("  note: \($0)") }
  }

  private func groups(of result: Credentials) -> String {
    guard !result.groups.isEmpty else { return "none" }
    let all = result.groups.map(String.init).joined(separator: ",")
    guard let kept = plan.user?.engineGroups, !kept.isEmpty else { return all }
    return "\(all) (\(kept.map(String.init).joined(separator: ",")) from the container engine)"
  }

  private mutating func explanations() {
    for warning in plan.warnings { explain(yellow("Warning: \(warning.what)"), warning) }
    if let error = plan.failure?.explanation { explain(red("Error: \(error.what)"), error) }
  }

  private mutating func explain(_ what: String, _ explanation: Explanation) {
    lines += ["", what, "  why: \(explanation.why)"]
    lines += explanation.waysOut.map { "  way out: \($0)" }
  }

  // MARK: layout

  /// A list longer than this is cut; `--format json` has all.
  private static let listLimit = 40

  private mutating func more(_ count: Int) {
    if count > 0 { lines.append(dim("  and \(count) more; --format json prints all")) }
  }

  private mutating func title(_ text: String) {
    lines += ["", bold(text)]
  }

  private mutating func row(_ name: String, _ value: String) {
    lines.append("  \(padded(name, to: 18))\(value)")
  }

  private func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func bold(_ text: String) -> String { sgr("1", text) }
  private func dim(_ text: String) -> String { sgr("2", text) }
  private func red(_ text: String) -> String { sgr("31", text) }
  private func yellow(_ text: String) -> String { sgr("33", text) }

  private func sgr(_ code: String, _ text: String) -> String {
    isColored && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
