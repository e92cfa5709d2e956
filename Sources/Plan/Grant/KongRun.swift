import Capabilities

/// Decides with which credentials a `kong` command runs, or a hook, which may call one.
///
/// The `kong` command is a script that nginx itself runs, and that starts nginx again through a shell.
/// `kong prepare` and `kong reload` end so with `nginx -t`, which binds every listener. So what
/// counts is what the last program of that chain has.
struct KongRun {
  let basis: Basis
  /// nginx's file as the command finds it; nil where there is none, so that `kong` says so itself.
  let proxy: ProgramFile?

  /// A way to run the command.
  struct Attempt {
    /// The steps up to the exec, without it.
    var sequence: LaunchSequence
    /// How nginx gets what it needs.
    var grant: Grant
    /// Whether an nginx of the chain runs in secure execution (ld.so(8)).
    var secureExecution: Bool
  }

  /// The first way in which the last nginx has `wanted` and no more than that.
  ///
  /// - Parameters:
  ///   - wanted: what that nginx needs: cap_net_bind_service or nothing.
  ///   - program: the file capabilities of what is run first, as they count.
  /// - Returns: nil where there is no such way, or where a program of the chain could not be exec'd.
  func attempt(_ wanted: CapabilitySet, program: FileCapabilities? = nil) -> Attempt? {
    for noNewPrivileges in noNewPrivilegesChoices(isGranting: !wanted.isEmpty) {
      for ambient in ambientChoices(wanted) {
        var sequence = LaunchSequence(from: basis.start)
        sequence.drop(
          to: basis.target, permitted: ambient, ambient: ambient, bounding: bounding(wanted),
          noNewPrivileges: noNewPrivileges)
        guard let (last, secureExecution) = nginx(after: sequence.state, program: program),
          wanted.isSubset(of: last.effective), addsNothing(last, to: wanted)
        else { continue }
        return Attempt(
          sequence: sequence, grant: grant(wanted, ambient: ambient),
          secureExecution: secureExecution)
      }
    }
    return nil
  }

  /// What the last nginx of the chain has; nil where the kernel refuses an exec on the way to it.
  private func nginx(
    after state: Credentials, program: FileCapabilities?
  ) -> (credentials: Credentials, secureExecution: Bool)? {
    let nginx = proxy?.capabilitiesHonoredAtExec
    var state = state
    var isSecure = false
    // The interpreter of `kong` and the shell carry none.
    for file in [program, nginx, nil, nginx] {
      guard case .runs(let next, let secureExecution, _) = credentialsAfterExec(state, file: file)
      else { return nil }
      state = next
      isSecure = isSecure || secureExecution
    }
    return (state, isSecure)
  }

  /// Whether nginx has nothing from this start that it does not need.
  ///
  /// Root has everything anyway, and what a user gets from the image's file does not come from this
  /// start.
  private func addsNothing(_ last: Credentials, to wanted: CapabilitySet) -> Bool {
    !basis.isDrop || last.user.effective == 0 || last.permitted.isSubset(of: wanted)
  }

  /// First without ambient capabilities: if nginx's file carries what is needed, they are
  /// superfluous.
  private func ambientChoices(_ wanted: CapabilitySet) -> [CapabilitySet] {
    !wanted.isEmpty && basis.start.canRaiseAmbient(wanted) ? [[], wanted] : [[]]
  }

  /// What is needed, and what nginx's file carries, because its exec would fail without that.
  private func bounding(_ wanted: CapabilitySet) -> CapabilitySet? {
    guard basis.isDrop, basis.has(.setpcap) else { return nil }
    let carried = proxy?.capabilitiesHonoredAtExec?.permitted ?? []
    return basis.start.bounding.intersection(wanted.union(carried))
  }

  /// no_new_privs is omitted only if it would take away what nginx's file has to give.
  private func noNewPrivilegesChoices(isGranting: Bool) -> [Bool] {
    if basis.start.noNewPrivileges { return [true] }
    if let asked = basis.request.noNewPrivileges { return [asked] }
    return basis.isDrop || isGranting ? [true, false] : [false]
  }

  private func grant(_ wanted: CapabilitySet, ambient: CapabilitySet) -> Grant {
    if wanted.isEmpty || basis.user.uid == 0 { return .none }
    return ambient.isEmpty
      ? .file(wanted, path: proxy?.path ?? basis.request.proxy) : .ambient(wanted)
  }
}
