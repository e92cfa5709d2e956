import EntrypointPlan
import EntrypointSystem
import FoundationEssentials
import Glibc

/// `--dry-run`: prints the plan, changes nothing, runs nothing.
struct DryRun {
  /// The forms of the output.
  enum Format: String, CaseIterable {
    case text
    case json
    /// The least flags for `docker run`.
    case docker
    /// The least security context for a pod.
    case kubernetes
  }

  var start: Start
  var format: Format

  /// Prints the plan on standard output and ends the process with 0 if the plan can succeed, or with
  /// the status that a start would have.
  func run() -> Never {
    let variables = start.environment.interpreted()
    do {
      let asked = try Request(
        command: start.command, options: start.options, environment: variables)
      let snapshot = try HostSnapshot.read(for: asked, isDryRun: true)
      let request = asked.including(snapshot.secrets)
      switch format {
      case .text, .json:
        let plan = Planner(request: request, snapshot: snapshot).plan()
        try print(plan, snapshot: snapshot, isPlain: variables.nonEmpty("NO_COLOR") != nil)
        exit(plan.failure?.status ?? 0)
      case .docker:
        let least = try LeastPrivileges(request: request, snapshot: snapshot)
        if let note = least.networkNote { try start.log(variables).warning(note) }
        try StandardOutput.write(least.dockerFlags(snapshot.capabilityNames) + "\n")
      case .kubernetes:
        let least = try LeastPrivileges(request: request, snapshot: snapshot)
        try StandardOutput.write(
          least.kubernetesContext(snapshot.capabilityNames, prefix: request.prefix) + "\n")
      }
      exit(0)
    } catch {
      let failure =
        switch error {
        case let failure as StartFailure: failure
        case let failure as SystemCallFailure: failure.failure
        default:
          StartFailure(
            status: ExitStatus.notPermitted, what: "the plan cannot be printed", why: "\(error)",
            waysOut: ["use --format text"])
        }
      if format == .json, (try? printJSON(failure)) != nil { exit(failure.status) }
      ((try? start.log(variables)) ?? Log(level: .info, format: .text)).failure(failure)
      exit(failure.status)
    }
  }

  private func print(_ plan: Plan, snapshot: HostSnapshot, isPlain: Bool) throws {
    if format == .text {
      let isColored = StandardOutput.isTerminal && !isPlain
      try StandardOutput.write(PlanText(plan, snapshot: snapshot, isColored: isColored).render())
    } else {
      try printJSON(PlanReport(plan, snapshot: snapshot))
    }
  }

  /// Prints a failure that came before there was a plan, in the form of a plan.
  private func printJSON(_ failure: StartFailure) throws {
    var plan = Plan(command: start.command)
    plan.failure = failure
    try printJSON(PlanReport(plan, snapshot: nil))
  }

  private func printJSON(_ report: PlanReport) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try StandardOutput.write(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
  }
}
