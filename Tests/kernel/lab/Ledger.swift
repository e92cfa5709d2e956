import Capabilities
import Plan
import Report
import CKernelLab

/// Compares the kernel's answers with the predictions, and counts them.
struct Ledger {
  private(set) var compared = 0
  private(set) var mismatches = 0
  private(set) var leftOut = 0
  private var leftOutByReason: [String: Int] = [:]
  private let names: CapabilityNames
  /// fs.suid_dumpable is 1: every process stays dumpable (proc_sys_fs(5)).
  private let isAlwaysDumpable: Bool
  /// The number of mismatches that are printed in full.
  private static let shown = 5

  init(names: CapabilityNames, isAlwaysDumpable: Bool) {
    self.names = names
    self.isAlwaysDumpable = isAlwaysDumpable
  }

  /// Counts an experiment whose initial state the kernel must allow.
  mutating func compare(_ experiment: Experiment, _ answer: Answer) {
    compared += 1
    let differences = differences(experiment, answer)
    if !differences.isEmpty { report(differences, experiment) }
  }

  /// Counts combinations of credentials and files that the kernel must refuse to set up.
  mutating func leaveOut(
    _ experiment: Experiment, _ answer: Answer, reason: String, combinations: Int
  ) {
    if case .notSetUp = answer {
      leaveOut(reason: reason, combinations: combinations)
    } else {
      report(["\(reason), and the kernel did not refuse it: \(answer)"], experiment)
    }
  }

  /// Counts combinations that are not tried.
  mutating func leaveOut(reason: String, combinations: Int) {
    leftOut += combinations
    leftOutByReason[reason, default: 0] += combinations
  }

  /// Why states were skipped, and how many for each reason.
  var reasons: [String] {
    leftOutByReason.sorted { $0.key < $1.key }.map { "\($0.value): \($0.key)" }
  }

  private func differences(_ experiment: Experiment, _ answer: Answer) -> [String] {
    switch answer {
    case .notSetUp(let reason): return ["the kernel refused the start: \(reason)"]
    case .lost(let reason): return ["no answer: \(reason)"]
    case .stepFailed(let reason, let start):
      return differences("start", experiment.start, start) + ["a step failed: \(reason)"]
    case .exec(let start, let beforeExec, let outcome):
      let predicted = experiment.steps.credentials(from: start)
      return differences("start", experiment.start, start)
        + differences("after the steps", predicted, beforeExec)
        + differences(
          credentialsAfterExec(beforeExec, file: experiment.program.countingCapabilities), outcome)
    }
  }

  private func differences(
    _ moment: String, _ planned: Credentials, _ found: Credentials
  ) -> [String] {
    planned.differences(to: found, names: names).map { "\(moment): \($0)" }
  }

  private func differences(_ predicted: ExecOutcome, _ found: Answer.Outcome) -> [String] {
    switch (predicted, found) {
    case (.refused, .failed(errno: EPERM)): return []
    case (
      .runs(let planned, let secure, let dumpable), .runs(let real, let isSecure, let isDumpable)
    ):
      var differences = differences("after exec", planned, real)
      if secure != isSecure { differences.append("secure execution is \(isSecure)") }
      if (dumpable || isAlwaysDumpable) != isDumpable {
        differences.append("dumpable is \(isDumpable)")
      }
      return differences
    case (.refused(let missing), .runs):
      return ["exec was predicted to fail for \(names.text(of: missing)), and did not"]
    case (_, .failed(let reason)):
      return ["exec failed: \(String(cString: strerror(reason)))"]
    }
  }

  private mutating func report(_ differences: [String], _ experiment: Experiment) {
    mismatches += 1
    guard mismatches <= Ledger.shown else { return }
    print("mismatch \(mismatches):")
    for difference in differences { print("  \(difference)") }
    print("  thread: \(text(experiment.start))")
    for step in experiment.steps { print("  step: \(step.name) \(step.detail(names))") }
    print("  file: \(text(experiment.program))")
  }

  private func text(_ state: Credentials) -> String {
    let ids = { (ids: ProcessIDs) in "\(ids.real)/\(ids.effective)/\(ids.saved)" }
    return "uid \(ids(state.user)), gid \(ids(state.group)), groups \(state.groups),"
      + " P \(names.text(of: state.permitted)), E \(names.text(of: state.effective)),"
      + " I \(names.text(of: state.inheritable)), A \(names.text(of: state.ambient)),"
      + " B \(names.text(of: state.bounding)), no_new_privs \(state.noNewPrivileges),"
      + " securebits 0x\(String(state.securebits.rawValue, radix: 16))"
  }

  private func text(_ program: Program) -> String {
    let mount = program.isOnNosuidMount ? "on a nosuid mount" : "on a usual mount"
    guard let attribute = program.attribute else { return "no attribute, \(mount)" }
    let root = attribute.rootID.map { ", root id \($0)" } ?? ""
    return "fP \(names.text(of: attribute.permitted)), fI \(names.text(of: attribute.inheritable)),"
      + " fE \(attribute.effective)\(root), \(mount)"
  }
}
