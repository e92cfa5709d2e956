import Capabilities
import Text

/// How a `kong` command is run: with which credentials, what its `nginx -t` gets, and what is said of it.
struct KongDecision {
  /// The steps up to the exec.
  let sequence: LaunchSequence
  /// What its `nginx -t` gets; nil for a command that has none.
  let grant: PrepareGrant?
  let warnings: [Explanation]

  /// Decides.
  ///
  /// - Parameters:
  ///   - kong: the command's file.
  ///   - need: why it needs cap_net_bind_service; nil where it does not.
  /// - Throws: ``StartFailure`` where it could not bind a listener that is known, or not be run at all.
  init(_ kong: ProgramFile, run: KongRun, need: PrepareNeed?) throws(StartFailure) {
    let program = kong.capabilitiesHonoredAtExec
    guard let bare = run.attempt([], program: program) else { throw run.shortfall.cannotStart }
    guard run.basis.request.testsListeners else {
      self.init(bare, run: run, grant: nil)
      return
    }
    if let need, need.isAllowed,
      let attempt = run.attempt(CapabilitySet(.netBindService), program: program)
    {
      self.init(
        attempt, run: run, grant: PrepareGrant(grant: attempt.grant, reason: need.reason))
      return
    }
    let reason =
      need.map { "\($0.reason), but no capability can be granted here" } ?? "nothing is needed"
    self.init(
      bare, run: run, grant: PrepareGrant(grant: .none, reason: reason),
      warnings: try KongDecision.unbound(need, run: run))
  }

  private init(
    _ attempt: KongRun.Attempt, run: KongRun, grant: PrepareGrant?, warnings: [Explanation] = []
  ) {
    sequence = attempt.sequence
    self.grant = grant
    self.warnings = warnings + (attempt.secureExecution ? run.shortfall.ignoredVariables : [])
  }

  /// What is said of listeners that the command's `nginx -t` cannot bind.
  private static func unbound(
    _ need: PrepareNeed?, run: KongRun
  ) throws(StartFailure) -> [Explanation] {
    guard let need, !need.listeners.isEmpty else { return [] }
    let explanation = run.shortfall.explainForKong(need.need)
    guard need.certain.isEmpty else {
      throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
    }
    return [explanation]
  }
}

extension KongRun {
  /// Why nginx cannot have what it needs in this run.
  var shortfall: Shortfall {
    Shortfall(basis, file: proxy ?? ProgramFile(path: basis.request.proxy))
  }
}
