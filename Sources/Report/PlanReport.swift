import Capabilities
import Kong
import Nginx
import Services
package import Plan
package import Text

/// A plan as `--dry-run --format json` prints it.
///
/// Keys may be added in later versions, not changed.
package struct PlanReport: Sendable {
  private let plan: Plan
  private let snapshot: HostSnapshot?
  private let names: CapabilityNames

  /// Puts a plan into words.
  ///
  /// - Parameter snapshot: what the plan was made from; nil where it was a failure to find that out.
  package init(_ plan: Plan, snapshot: HostSnapshot?) {
    self.plan = plan
    self.snapshot = snapshot
    names = snapshot?.capabilityNames ?? CapabilityNames([])
  }

  /// The report as a value.
  package var json: JSON {
    .object([
      "command": .strings(plan.command.map { $0.description }),
      "possible": .bool(plan.failure == nil),
      "exit_status": .number(Int(plan.failure?.status ?? 0)),
      "started_as": snapshot.map {
        credentials($0.credentials, secureExecution: $0.secureExecution)
      },
      "user": plan.user.map(user),
      "secrets": .array(plan.secrets.map(secret)),
      "listeners": .array(plan.listeners.map(listener)),
      "capabilities": .array(plan.needs.map(capability)),
      "grant": grant(plan.grant),
      // Before the first program runs.
      "wait": plan.wait.map(wait),
      // nginx's, where there is a limit and nothing says how many.
      "workers": plan.workers.map(workers),
      // What `kong prepare`, or another `kong` command, gets for its `nginx -t`.
      "prepare_grant": plan.prepareGrant.map(prepareGrant),
      // What `kong prepare` has once it runs.
      "prepare_result": plan.prepareResult.map { credentials($0, secureExecution: false) },
      "steps": .array(
        plan.prepare.map { step($0, phase: "prepare") }
          + plan.launch.map { step($0, phase: "launch") }),
      // The process that stays as the command's parent, with what it has for as long as it runs.
      "supervisor": plan.supervisor.map(supervisor),
      "result": plan.result.map { credentials($0, secureExecution: plan.secureExecution) },
      "warnings": .array(plan.warnings.map { $0.json }),
      "notes": .strings(plan.notes),
      "error": plan.failure?.explanation.map { $0.json },
    ])
  }

  private func user(_ user: TargetUser) -> JSON {
    .object([
      "name": user.name.map { .string($0) },
      "uid": .number(Int(user.uid)),
      "gid": .number(Int(user.gid)),
      "groups": .numbers(user.groups),
      // Those of `groups` that the container engine has added.
      "engine_groups": .numbers(user.engineGroups),
      "home": .string(user.home.description),
    ])
  }

  private func secret(_ resolved: ResolvedSecret) -> JSON {
    .object([
      "variable": .string(resolved.reference.variable),
      "path": .string(resolved.reference.path.description),
      "length": .number(resolved.secret.count),
    ])
  }

  private func listener(_ listener: Listener) -> JSON {
    let address: String
    // Of a range of ports, which `port` begins.
    var lastPort: Int?
    switch listener.address {
    case .inet(let host, _): address = host
    case .portRange(let host, let ports): (address, lastPort) = (host, ports.upperBound)
    case .unix(let path): address = path
    }
    let needs = listener.needs(unprivilegedPortStart: snapshot?.unprivilegedPortStart ?? 0)
    return .object([
      "source": .string(listener.source),
      "address": .string(address),
      "port": listener.port.map { .number($0) },
      "last_port": lastPort.map { .number($0) },
      "protocol": .string(listener.transport.rawValue),
      "flags": .strings(listener.flags),
      "needs": .strings(names.names(of: needs)),
    ])
  }

  private func capability(_ need: Need) -> JSON {
    .object([
      "name": .string(names.name(of: need.capability)),
      "reasons": .strings(need.reasons),
    ])
  }

  private func grant(_ grant: Grant) -> JSON {
    switch grant {
    case .none: .object(["mode": .string(grant.mode)])
    case .file(let set, let file):
      .object([
        "mode": .string(grant.mode), "path": .string(file.description),
        "text": .string(names.fileText(of: set)),
      ])
    case .ambient(let set):
      .object(["mode": .string(grant.mode), "text": .string(names.list(of: set))])
    }
  }

  private func wait(_ wait: ServiceWait) -> JSON {
    .object([
      "services": .array(
        wait.services.map { service in
          .object([
            "address": .string(service.address.description),
            "kind": .string(service.kind == .connection ? "connection" : "postgresql"),
            "source": .string(service.origin),
          ])
        }),
      "timeout_ms": .number(wait.timeout.milliseconds),
      "interval_ms": .number(wait.interval.milliseconds),
    ])
  }

  private func workers(_ workers: WorkerProcesses) -> JSON {
    .object([
      "count": .number(workers.count),
      "processors": .number(workers.limit.online),
      "allowed": .number(workers.limit.allowed),
      // The time on them, in processors: "0.5".
      "quota": workers.limit.quota.map { .string($0.text) },
    ])
  }

  private func prepareGrant(_ prepare: PrepareGrant) -> JSON {
    let text: String? =
      switch prepare.grant {
      case .none: nil
      case .file(let set, _): names.fileText(of: set)
      case .ambient(let set): names.list(of: set)
      }
    return .object([
      "mode": .string(prepare.grant.mode),
      "text": text.map { .string($0) },
      "reason": .string(prepare.reason),
    ])
  }

  private func step(_ step: Step, phase: String) -> JSON {
    let inner = step.stepsOfChild
    let steps: JSON? =
      inner.isEmpty ? nil : .array(inner.map { self.step($0, phase: phase) })
    return .object([
      "phase": .string(phase),
      "do": .string(step.name),
      "detail": .string(step.detail(names)),
      "steps": steps,
    ])
  }

  private func supervisor(_ supervisor: Supervisor) -> JSON {
    let policy = supervisor.policy
    return .object([
      "credentials": credentials(supervisor.credentials, secureExecution: false),
      "stop_delay_ms": .number(policy.delay.milliseconds),
      "stop_timeout_ms": policy.timeout.map { .number($0.milliseconds) },
      "stop_signal": policy.signal.map { .string($0.name) },
      "steps": .array(
        (supervisor.steps + supervisor.stepsBesideCommand).map { step($0, phase: "launch") }),
    ])
  }

  private func credentials(_ credentials: Credentials, secureExecution: Bool) -> JSON {
    .object([
      "uid": .number(Int(credentials.user.effective)),
      "gid": .number(Int(credentials.group.effective)),
      "groups": .numbers(credentials.groups),
      "permitted": .strings(names.names(of: credentials.permitted)),
      "effective": .strings(names.names(of: credentials.effective)),
      "inheritable": .strings(names.names(of: credentials.inheritable)),
      "ambient": .strings(names.names(of: credentials.ambient)),
      "bounding": .strings(names.names(of: credentials.bounding)),
      "no_new_privs": .bool(credentials.noNewPrivileges),
      "secure_execution": .bool(secureExecution),
    ])
  }
}
