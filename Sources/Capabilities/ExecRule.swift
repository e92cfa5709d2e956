/// The capabilities that a program file carries: its `security.capability` attribute (capabilities(7),
/// "File capabilities").
package struct FileCapabilities: Equatable, Sendable {
  /// What an exec gives, within the bounding set.
  package var permitted: CapabilitySet
  /// What an exec gives of the thread's inheritable set.
  package var inheritable: CapabilitySet
  /// The file's single effective bit.
  package var effective: Bool
  /// The user that the attribute trusts as root of a user namespace (v3); nil or 0 is the usual.
  package var rootID: UInt32?

  package init(
    permitted: CapabilitySet, inheritable: CapabilitySet = [], effective: Bool,
    rootID: UInt32? = nil
  ) {
    self.permitted = permitted
    self.inheritable = inheritable
    self.effective = effective
    self.rootID = rootID
  }
}

/// What the kernel does with capabilities at execve(2).
package enum ExecOutcome: Equatable, Sendable {
  /// The program runs.
  ///
  /// - Parameters:
  ///   - credentials: what the thread has from then on.
  ///   - secureExecution: AT_SECURE is set: the dynamic linker ignores LD_LIBRARY_PATH, LD_PRELOAD
  ///     and others (ld.so(8), "Secure-execution mode").
  ///   - dumpable: /proc/PID belongs to the user, core dumps are written (PR_SET_DUMPABLE(2const)).
  case runs(Credentials, secureExecution: Bool, dumpable: Bool)
  /// execve fails with EPERM: the file's effective bit is set, and these of its permitted
  /// capabilities cannot be given.
  case refused(missing: CapabilitySet)
}

/// The rule by which the kernel transforms capabilities at execve(2): capabilities(7),
/// "Transformation of capabilities during execve()", and cap_bprm_creds_from_file() in the kernel's
/// security/commoncap.c.
///
/// It holds for a thread that nobody traces, that shares its file system attributes with no other
/// process, and for a file that it may read, without set-user-ID and set-group-ID bits. Where real and
/// effective ids differ, kernels before 6.17 also clear the ambient set. The letters are the manual's:
/// P permitted, E effective, I inheritable, A ambient, B bounding; fP, fI and fE are the file's.
///
/// - Parameters:
///   - before: the thread that calls execve.
///   - file: the capabilities that count. Those of a file on a nosuid mount, or of a root id outside
///     this user namespace, do not: nil.
package func credentialsAfterExec(
  _ before: Credentials, file: FileCapabilities?
) -> ExecOutcome {
  var after = before
  var fE = file?.effective ?? false

  // P'(permitted) = (P(inheritable) & F(inheritable)) | (F(permitted) & P(bounding))
  let fP = file?.permitted ?? []
  let fI = file?.inheritable ?? []
  after.permitted = before.inheritable.intersection(fI).union(fP.intersection(before.bounding))
  // "Safety checking for capability-dumb binaries"
  if fE, !fP.isSubset(of: after.permitted) {
    return .refused(missing: fP.subtracting(after.permitted))
  }

  // "Capabilities and execution of programs by root"
  if !before.securebits.contains(.noRoot) {
    let isSetUserIDRoot = before.user.effective == 0 && before.user.real != 0
    if !(file != nil && isSetUserIDRoot) {
      if before.user.real == 0 || before.user.effective == 0 {
        after.permitted = before.inheritable.union(before.bounding)
      }
      if before.user.effective == 0 { fE = true }
    }
  }

  // no_new_privs: a gain is cut to what was permitted before (PR_SET_NO_NEW_PRIVS(2const)), and a
  // set-user-ID program that ran before this one is undone.
  if before.noNewPrivileges, !after.permitted.isSubset(of: before.permitted) {
    after.permitted.formIntersection(before.permitted)
    after.user.effective = before.user.real
    after.group.effective = before.group.real
  }
  after.user.saved = after.user.effective
  after.group.saved = after.group.effective

  // P'(ambient) = (file is privileged) ? 0 : P(ambient)
  after.ambient = file == nil ? before.ambient : []
  after.permitted.formUnion(after.ambient)
  // P'(effective) = F(effective) ? P'(permitted) : P'(ambient)
  after.effective = fE ? after.permitted : after.ambient

  after.securebits.remove(.keepCapabilities)

  // "Check for privilege-elevated exec"
  let gained = !after.permitted.isSubset(of: after.ambient)
  return .runs(
    after,
    secureExecution: after.hasDifferentIDs || before.user.real != 0 && (fE || gained),
    dumpable: !before.hasDifferentIDs && after.permitted.isSubset(of: before.permitted)
  )
}

extension Credentials {
  /// A set-user-ID or set-group-ID program has run, and nothing has undone it.
  fileprivate var hasDifferentIDs: Bool {
    user.real != user.effective || group.real != group.effective
  }
}
