/// A plan as `--dry-run --format json` prints it.
///
/// Keys may be added in later versions, not changed.
public struct PlanReport: Encodable, Sendable {
  struct User: Encodable {
    var name: String?
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]
    var home: String
  }

  struct ListenerReport: Encodable {
    var source: String
    var address: String
    var port: Int?
    /// Of a range of ports, which `port` begins.
    var last_port: Int?
    var `protocol`: String
    var flags: [String]
    var needs: [String]
  }

  struct SecretReport: Encodable {
    var variable: String
    var path: String
    var length: Int
  }

  struct CapabilityReport: Encodable {
    var name: String
    var reasons: [String]
  }

  struct GrantReport: Encodable {
    var mode: String
    var path: String?
    var text: String?
  }

  struct StepReport: Encodable {
    var phase: String
    var `do`: String
    var detail: String
    var steps: [StepReport]?
  }

  struct Start: Encodable {
    var uid: UInt32
    var permitted: [String]
    var bounding: [String]
    var ambient: [String]
    var no_new_privs: Bool
  }

  struct Result: Encodable {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]
    var permitted: [String]
    var effective: [String]
    var inheritable: [String]
    var ambient: [String]
    var bounding: [String]
    var no_new_privs: Bool
    var secure_execution: Bool
  }

  struct ExplanationReport: Encodable {
    var what: String
    var why: String
    var ways_out: [String]

    init(_ explanation: Explanation) {
      what = explanation.what
      why = explanation.why
      ways_out = explanation.waysOut
    }
  }

  var command: [String]
  var possible: Bool
  var exit_status: Int32
  var started_as: Start?
  var user: User?
  var secrets: [SecretReport]
  var listeners: [ListenerReport]
  var capabilities: [CapabilityReport]
  var grant: GrantReport
  var steps: [StepReport]
  var result: Result?
  var warnings: [ExplanationReport]
  var notes: [String]
  var error: ExplanationReport?

  /// Puts a plan into words.
  ///
  /// - Parameter snapshot: what the plan was made from; nil where it was a failure to find that out.
  public init(_ plan: Plan, snapshot: HostSnapshot?) {
    let names = snapshot?.capabilityNames ?? CapabilityNames([])
    let unprivilegedPortStart = snapshot?.unprivilegedPortStart ?? 0
    command = plan.command.map(\.description)
    possible = plan.failure == nil
    exit_status = plan.failure?.status ?? 0
    started_as = (snapshot?.credentials).map {
      Start(
        uid: $0.user.effective, permitted: names.names(of: $0.permitted),
        bounding: names.names(of: $0.bounding), ambient: names.names(of: $0.ambient),
        no_new_privs: $0.noNewPrivileges)
    }
    user = plan.user.map {
      User(
        name: $0.name, uid: $0.uid, gid: $0.gid, groups: $0.groups, home: $0.home.description)
    }
    secrets = plan.secrets.map {
      SecretReport(
        variable: $0.file.variable, path: $0.file.path.description, length: $0.secret.count)
    }
    listeners = plan.listeners.map { listener in
      let place: (address: String, lastPort: Int?) =
        switch listener.address {
        case .inet(let host, _): (host, nil)
        case .portRange(let host, let ports): (host, ports.upperBound)
        case .unix(let path): (path, nil)
        }
      return ListenerReport(
        source: listener.source, address: place.address, port: listener.port,
        last_port: place.lastPort, protocol: listener.transport.rawValue, flags: listener.flags,
        needs: names.names(of: listener.needs(unprivilegedPortStart: unprivilegedPortStart)))
    }
    capabilities = plan.needs.map {
      CapabilityReport(name: names.name(of: $0.capability), reasons: $0.reasons)
    }
    grant =
      switch plan.grant {
      case .none: GrantReport(mode: plan.grant.mode)
      case .file(let set, let path):
        GrantReport(mode: plan.grant.mode, path: path.description, text: names.fileText(of: set))
      case .ambient(let set):
        GrantReport(mode: plan.grant.mode, text: names.list(of: set))
      }
    steps =
      PlanReport.steps(plan.prepare, phase: "prepare", names: names)
      + PlanReport.steps(plan.launch, phase: "launch", names: names)
    result = plan.result.map {
      Result(
        uid: $0.user.effective, gid: $0.group.effective, groups: $0.groups,
        permitted: names.names(of: $0.permitted), effective: names.names(of: $0.effective),
        inheritable: names.names(of: $0.inheritable), ambient: names.names(of: $0.ambient),
        bounding: names.names(of: $0.bounding), no_new_privs: $0.noNewPrivileges,
        secure_execution: plan.secureExecution)
    }
    warnings = plan.warnings.map(ExplanationReport.init)
    notes = plan.notes
    error = plan.failure?.explanation.map(ExplanationReport.init)
  }

  private static func steps(
    _ steps: [Step], phase: String, names: CapabilityNames
  ) -> [StepReport] {
    steps.map { step in
      var report = StepReport(phase: phase, do: step.name, detail: step.detail(names))
      if case .run(let steps) = step {
        report.steps = PlanReport.steps(steps, phase: phase, names: names)
      }
      return report
    }
  }
}
