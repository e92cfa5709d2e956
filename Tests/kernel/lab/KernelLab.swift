import Capabilities
import Linux
import Plan
import Start
import Text
import CLinux
import CKernelLab

/// Compares the module Capabilities with the kernel that is running.
///
/// Child processes take on credentials and exec a probe. The lab compares the result with what
/// `credentialsAfterExec` and `Credentials.after` predict.
@main
struct KernelLab {
  /// The numbers of trials that this program promises.
  private static let promisedCombinations = 4000
  private static let promisedStates = 2000
  private static let sequences = 1000

  private let names = CapabilityNames.ofRunningKernel()
  private let held: CapabilitySet
  private let subject: Subject
  private let options: LabOptions
  private var ledger: Ledger

  static func main() {
    let options = LabOptions(CStrings(execve_arguments()).bytes.map { $0.description })
    guard geteuid() == 0 else {
      print("kernel-lab: it takes on credentials that only root can give: run it as root")
      exit(77)
    }
    do throws(LabFailure) {
      var lab = try KernelLab(options)
      exit(try lab.run() ? 0 : 1)
    } catch {
      print("kernel-lab: \(error.text)")
      exit(1)
    }
  }

  private init(_ options: LabOptions) throws(LabFailure) {
    self.options = options
    do { held = try ProcessStatus.read().bounding } catch {
      throw LabFailure(error.call, errno: error.errno.rawValue)
    }
    ledger = Ledger(
      names: names, isAlwaysDumpable: try KernelLab.setting("fs/suid_dumpable") == "1")
    subject = Subject(files: try ProbeFiles(copying: options.probe), held: held, names: names)
  }

  /// - Returns: whether it tried everything that it promises, and every prediction was right.
  private mutating func run() throws(LabFailure) -> Bool {
    print("Linux \(try KernelLab.setting("kernel/osrelease")), seed \(options.seed)")
    let takesIDs = try takesDifferentIDsForSetID()
    let combinations = try runCombinations(takesIDs)
    print("one capability, \(names.text(of: CapabilitySet(.netRaw))): \(combinations) execs")
    let states = try runRandomStates(takesIDs)
    print("random states over \(held.members.count) capabilities: \(states) execs")
    let (sequences, steps) = try runRandomSteps(takesIDs)
    print("random sequences of steps: \(sequences), with \(steps) steps, then an exec")
    for reason in ledger.reasons { print("left out: \(reason)") }
    print(
      "states compared: \(ledger.compared), mismatches: \(ledger.mismatches),"
        + " impossible states left out: \(ledger.leftOut)")
    return ledger.mismatches == 0 && combinations >= KernelLab.promisedCombinations
      && states >= KernelLab.promisedStates && sequences > 0
  }

  // MARK: the three parts

  private mutating func runCombinations(_ takesIDs: Bool) throws(LabFailure) -> Int {
    let before = ledger.compared
    let space = SingleCapability(set: CapabilitySet(.netRaw))
    for start in space.starts {
      if let reason = start.contradiction {
        let experiment = Experiment(start: start)
        ledger.leaveOut(
          experiment, try subject.answer(to: experiment), reason: reason,
          combinations: space.programs.count)
      } else if takesIDs, start.hasDifferentIDs {
        ledger.leaveOut(reason: KernelLab.differentIDs, combinations: space.programs.count)
      } else {
        for program in space.programs {
          try compare(Experiment(start: start, program: program))
        }
      }
    }
    return ledger.compared - before
  }

  private mutating func runRandomStates(_ takesIDs: Bool) throws(LabFailure) -> Int {
    let before = ledger.compared
    var states = randomStates(part: 1)
    while ledger.compared - before < options.states {
      let start = states.credentials()
      let program = states.program(for: start)
      if takesIDs, start.hasDifferentIDs {
        ledger.leaveOut(reason: KernelLab.differentIDs, combinations: 1)
      } else {
        try compare(Experiment(start: start, program: program))
      }
    }
    return ledger.compared - before
  }

  private mutating func runRandomSteps(
    _ takesIDs: Bool
  ) throws(LabFailure) -> (sequences: Int, steps: Int) {
    let before = ledger.compared
    var steps = 0
    var states = randomStates(part: 2)
    while ledger.compared - before < KernelLab.sequences {
      let start = states.capableCredentials()
      let experiment = Experiment(
        start: start, steps: states.steps(from: start), program: states.program(for: start))
      if takesIDs, experiment.steps.credentials(from: start).hasDifferentIDs {
        ledger.leaveOut(reason: KernelLab.differentIDs, combinations: 1)
      } else {
        try compare(experiment)
        steps += experiment.steps.count
      }
    }
    return (ledger.compared - before, steps)
  }

  private mutating func compare(_ experiment: Experiment) throws(LabFailure) {
    ledger.compare(experiment, try subject.answer(to: experiment))
  }

  private func randomStates(part: UInt64) -> RandomStates {
    RandomStates(
      held: held, known: names.all, numbers: SeededGenerator(state: options.seed &+ part << 32))
  }

  // MARK: the machine

  private static let differentIDs =
    "real and effective ids differ, which this kernel takes for a set-user-ID program"

  /// Older kernels always clear the ambient set then; newer ones only if the exec itself changes
  /// ids.
  private func takesDifferentIDsForSetID() throws(LabFailure) -> Bool {
    let one = CapabilitySet(.netRaw)
    let start = Credentials(
      user: ProcessIDs(real: 1000, effective: 1337, saved: 1337), group: ProcessIDs(0),
      permitted: one, inheritable: one, ambient: one, bounding: one)
    guard
      case .exec(_, _, .runs(let after, _, _)) = try subject.answer(to: Experiment(start: start))
    else { return false }
    return after.ambient.isEmpty
  }

  private static func setting(_ name: String) throws(LabFailure) -> String {
    let path = "/proc/sys/\(name)"
    let descriptor = try check("open(\(path))") { lab_open(path, O_RDONLY | O_CLOEXEC, 0) }
    defer { close(descriptor) }
    return String(decoding: try readAll(descriptor).prefix { $0 != 0x0a }, as: UTF8.self)
  }
}
