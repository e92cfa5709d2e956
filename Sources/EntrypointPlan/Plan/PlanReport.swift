/// A plan as `--dry-run --format json` prints it.
///
/// Keys may be added in later versions, not changed.
public struct PlanReport: Encodable, Sendable {
  struct User: Encodable {
    var name: String?
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]
    /// Those of `groups` that the container engine has added.
    var engine_groups: [UInt32]
    var home: String

    init(_ user: TargetUser) {
      name = user.name
      uid = user.uid
      gid = user.gid
      groups = user.groups
      engine_groups = user.engineGroups
      home = user.home.description
    }
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

    init(_ listener: Listener, needs: [String]) {
      source = listener.source
      (address, last_port) =
        switch listener.address {
        case .inet(let host, _): (host, nil)
        case .portRange(let host, let ports): (host, ports.upperBound)
        case .unix(let path): (path, nil)
        }
      port = listener.port
      self.protocol = listener.transport.rawValue
      flags = listener.flags
      self.needs = needs
    }
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

    init(_ grant: Grant, names: CapabilityNames) {
      mode = grant.mode
      switch grant {
      case .none: break
      case .file(let set, let file): (path, text) = (file.description, names.fileText(of: set))
      case .ambient(let set): text = names.list(of: set)
      }
    }
  }

  struct PrepareGrantReport: Encodable {
    var mode: String
    var text: String?
    var reason: String

    init(_ prepare: PrepareGrant, names: CapabilityNames) {
      let grant = GrantReport(prepare.grant, names: names)
      (mode, text, reason) = (grant.mode, grant.text, prepare.reason)
    }
  }

  struct StepReport: Encodable {
    var phase: String
    var `do`: String
    var detail: String
    var steps: [StepReport]?
  }

  struct CredentialsReport: Encodable {
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

    init(_ credentials: Credentials, secureExecution: Bool, names: CapabilityNames) {
      uid = credentials.user.effective
      gid = credentials.group.effective
      groups = credentials.groups
      permitted = names.names(of: credentials.permitted)
      effective = names.names(of: credentials.effective)
      inheritable = names.names(of: credentials.inheritable)
      ambient = names.names(of: credentials.ambient)
      bounding = names.names(of: credentials.bounding)
      no_new_privs = credentials.noNewPrivileges
      secure_execution = secureExecution
    }
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
  var started_as: CredentialsReport?
  var user: User?
  var secrets: [SecretReport]
  var listeners: [ListenerReport]
  var capabilities: [CapabilityReport]
  var grant: GrantReport
  /// What `kong prepare`, or another `kong` command, gets for its `nginx -t`.
  var prepare_grant: PrepareGrantReport?
  /// What `kong prepare` has once it runs.
  var prepare_result: CredentialsReport?
  var steps: [StepReport]
  var result: CredentialsReport?
  var warnings: [ExplanationReport]
  var notes: [String]
  var error: ExplanationReport?

  /// Puts a plan into words.
  ///
  /// - Parameter snapshot: what the plan was made from; nil where it was a failure to find that out.
  public init(_ plan: Plan, snapshot: HostSnapshot?) {
    let names = snapshot?.capabilityNames ?? CapabilityNames([])
    let portStart = snapshot?.unprivilegedPortStart ?? 0
    command = plan.command.map(\.description)
    possible = plan.failure == nil
    exit_status = plan.failure?.status ?? 0
    started_as = snapshot.map {
      CredentialsReport($0.credentials, secureExecution: $0.secureExecution, names: names)
    }
    user = plan.user.map(User.init)
    secrets = plan.secrets.map {
      SecretReport(
        variable: $0.file.variable, path: $0.file.path.description, length: $0.secret.count)
    }
    listeners = plan.listeners.map {
      ListenerReport($0, needs: names.names(of: $0.needs(unprivilegedPortStart: portStart)))
    }
    capabilities = plan.needs.map {
      CapabilityReport(name: names.name(of: $0.capability), reasons: $0.reasons)
    }
    grant = GrantReport(plan.grant, names: names)
    prepare_grant = plan.prepareGrant.map { PrepareGrantReport($0, names: names) }
    prepare_result = plan.prepareResult.map {
      CredentialsReport($0, secureExecution: false, names: names)
    }
    steps =
      PlanReport.steps(plan.prepare, phase: "prepare", names: names)
      + PlanReport.steps(plan.launch, phase: "launch", names: names)
    result = plan.result.map {
      CredentialsReport($0, secureExecution: plan.secureExecution, names: names)
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
