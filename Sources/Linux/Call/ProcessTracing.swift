import CLinux
import Glibc

/// Who may look into this process, trace it and take its descriptors (ptrace(2), "Ptrace access mode
/// checking").
package enum ProcessTracing {
  /// Leaves that to root with cap_sys_ptrace, until the next exec (PR_SET_DUMPABLE(2const)).
  ///
  /// A change of user sets it to fs.suid_dumpable, which may allow it (proc_sys_fs(5)), so it has to be
  /// said again after that. The process's own /proc/self stays open to itself.
  package static func forbid() throws(SystemCallFailure) {
    try checked("prctl(PR_SET_DUMPABLE)") { cap_prctlw(Int(PR_SET_DUMPABLE), 0, 0, 0, 0, 0) }
  }
}
