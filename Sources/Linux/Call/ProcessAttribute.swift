import CLinux

/// What a process can be, beside its ids and capabilities (prctl(2)).
package enum ProcessAttribute {
  /// Lets the permitted set survive the change of user (PR_SET_KEEPCAPS(2const)).
  static func keepCapabilities(_ isOn: Bool = true) throws(SystemCallFailure) {
    try set(PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", isOn ? 1 : 0)
  }

  /// Sets no_new_privs, for good (PR_SET_NO_NEW_PRIVS(2const)).
  static func setNoNewPrivileges() throws(SystemCallFailure) {
    try set(PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", 1)
  }

  /// no_new_privs (PR_GET_NO_NEW_PRIVS(2const)); not set where the kernel has none.
  static var hasNoNewPrivileges: Bool { value(of: PR_GET_NO_NEW_PRIVS) == 1 }

  /// Leaves it to root with cap_sys_ptrace to look into this process, trace it and take its descriptors,
  /// until the next exec (PR_SET_DUMPABLE(2const); ptrace(2), "Ptrace access mode checking").
  ///
  /// A change of user sets it to fs.suid_dumpable, which may allow it (proc_sys_fs(5)), so it has to be
  /// said again after that. The process's own /proc/self stays open to itself.
  package static func forbidTracing() throws(SystemCallFailure) {
    try set(PR_SET_DUMPABLE, "PR_SET_DUMPABLE", 0)
  }

  /// Lets other processes of its user look into this process, as they may with any that has no more
  /// capabilities than they (PR_SET_DUMPABLE(2const)).
  static func allowTracing() throws(SystemCallFailure) {
    try set(PR_SET_DUMPABLE, "PR_SET_DUMPABLE", 1)
  }

  /// Has the kernel kill this process when the one that forked it ends (PR_SET_PDEATHSIG(2const)).
  ///
  /// A change of ids takes it back.
  ///
  /// - Parameter parent: that process; nil where this one is no child of ours.
  /// - Throws: ``SystemCallFailure`` also where it has ended before.
  static func endWith(_ parent: RunningProcess?) throws(SystemCallFailure) {
    guard let parent else { return }
    try set(PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", Int(SIGKILL))
    if RunningProcess.parent != parent { throw SystemCallFailure("getppid", .noSuchProcess) }
  }

  /// Whether this process adopts what its children leave running (PR_SET_CHILD_SUBREAPER(2const)).
  static func adoptOrphans(_ isReaper: Bool) throws(SystemCallFailure) {
    try set(PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER", isReaper ? 1 : 0)
  }

  /// cap_prctl(3).
  static func value(of option: Int32) -> Int32 { cap_prctl(Int(option), 0, 0, 0, 0, 0) }

  /// cap_prctlw(3).
  private static func set(
    _ option: Int32, _ name: StaticString, _ value: Int
  ) throws(SystemCallFailure) {
    try checked("prctl(\(name))") { cap_prctlw(Int(option), value, 0, 0, 0, 0) }
  }
}

/// How much of something this process may use (getrlimit(2)).
struct ResourceLimit {
  private let number: Int32

  /// RLIMIT_CORE, in bytes.
  static let coreDump = ResourceLimit(number: linux_rlimit_core)
  /// RLIMIT_CPU, in seconds.
  static let processorTime = ResourceLimit(number: linux_rlimit_cpu)
  /// RLIMIT_DATA, in bytes, of memory that is its own.
  static let memory = ResourceLimit(number: linux_rlimit_data)
  /// RLIMIT_FSIZE, in bytes.
  static let fileSize = ResourceLimit(number: linux_rlimit_fsize)
  /// RLIMIT_NOFILE.
  static let openFiles = ResourceLimit(number: linux_rlimit_nofile)

  /// What holds now; nil where the kernel does not say.
  var current: UInt? {
    var limit = rlimit()
    return unsafe linux_getrlimit(number, &limit) == 0 ? UInt(limit.rlim_cur) : nil
  }

  /// What this process may raise it to; nil where the kernel does not say.
  var hard: UInt? {
    var limit = rlimit()
    return unsafe linux_getrlimit(number, &limit) == 0 ? UInt(limit.rlim_max) : nil
  }

  /// Lowers it, for good (setrlimit(2)).
  func lower(to most: UInt) throws(SystemCallFailure) {
    var limit = rlimit()
    try checked("getrlimit") { unsafe linux_getrlimit(number, &limit) }
    limit = rlimit(
      rlim_cur: min(rlim_t(most), limit.rlim_cur), rlim_max: min(rlim_t(most), limit.rlim_max))
    try checked("setrlimit") { unsafe linux_setrlimit(number, &limit) }
  }
}
