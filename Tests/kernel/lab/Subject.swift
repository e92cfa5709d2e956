import Capabilities
import Linux
import Plan
import Report
import Text
import CKernelLab
import CLinux

/// A child process that the kernel is tested on.
///
/// It takes on the credentials, reports them, carries out the steps with the executor of a real
/// start, reports them again, and execs the probe, which reports the rest. Everything goes through
/// one pipe, in sections that end with a NUL.
struct Subject {
  private let files: ProbeFiles
  private let held: CapabilitySet
  private let executor: Executor

  /// - Parameter held: what this process has, and so every child at its beginning.
  init(files: ProbeFiles, held: CapabilitySet, names: CapabilityNames) {
    self.files = files
    self.held = held
    executor = Executor(
      environment: EnvironmentBlock(CStrings(nil)), names: names,
      log: Log(level: .error, format: .text))
  }

  /// Runs the experiment in a child.
  func answer(to experiment: Experiment) throws(LabFailure) -> Answer {
    try files.prepare(experiment.program)
    var ends: [CInt] = [-1, -1]
    try check("pipe2") { pipe2(&ends, O_CLOEXEC) }
    let child = try check("fork") { fork() }
    if child == 0 { run(experiment, output: ends[1]) }
    close(ends[1])
    let output = try readAll(ends[0])
    close(ends[0])
    var status: CInt = 0
    try check("waitpid") { waitpid(child, &status, 0) }
    let sections = output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return Answer(sections) ?? .lost("wait status \(status), \(sections)")
  }

  // MARK: in the child

  private func run(_ experiment: Experiment, output: CInt) -> Never {
    do throws(LabFailure) {
      try StateSetup.apply(experiment.start, from: held)
    } catch {
      end(.notSetUp, error.text, output)
    }
    tellCredentials(.start, output)
    if !experiment.steps.isEmpty {
      do throws(StartFailure) {
        if let refusal = try executor.run(experiment.steps) { throw refusal.failure }
      } catch {
        end(.stepFailed, error.explanation.map { "\($0.what): \($0.why)" } ?? "", output)
      }
      tellCredentials(.beforeExec, output)
    }
    dup2(output, STDOUT_FILENO)
    let path = strdup(files.path(of: experiment.program))
    if let path { execve(path, [strdup("probe"), nil], [nil]) }
    end(.execFailed, String(lab_errno()), output)
  }

  private func tellCredentials(_ section: Section, _ output: CInt) {
    do throws(LabFailure) {
      let path = "/proc/thread-self/status"
      let status = try check("open(\(path))") { lab_open(path, O_RDONLY | O_CLOEXEC, 0) }
      let securebits = String(cap_get_secbits())
      let text = "\(section.rawValue) \(securebits)\n"
      try writeAll(Array(text.utf8) + readAll(status) + [0], to: output)
      close(status)
    } catch {
      end(.notSetUp, error.text, output)
    }
  }

  private func end(_ section: Section, _ text: String, _ output: CInt) -> Never {
    try? writeAll(Array("\(section.rawValue) \(text)".utf8) + [0], to: output)
    _exit(0)
  }
}

/// The kinds of section, named by their first word.
private enum Section: String {
  case start
  case beforeExec
  case notSetUp
  case stepFailed
  case execFailed
  /// The probe's line begins with its name.
  case probe
}

extension Answer {
  /// Reads the report of a child; nil if something is missing.
  fileprivate init?(_ sections: [String]) {
    var start: Credentials?
    var beforeExec: Credentials?
    for section in sections {
      let parts = section.split(separator: " ", maxSplits: 1)
      let text = parts.count > 1 ? String(parts[1]) : ""
      switch parts.first.map(String.init).flatMap(Section.init) {
      case .start: start = Answer.credentials(text)
      case .beforeExec: beforeExec = Answer.credentials(text)
      case .notSetUp:
        self = .notSetUp(text)
        return
      case .stepFailed:
        guard let start else { return nil }
        self = .stepFailed(text, start: start)
        return
      case .execFailed, .probe:
        guard let start, let outcome = Outcome(section) else { return nil }
        self = .exec(start: start, beforeExec: beforeExec ?? start, outcome)
        return
      case nil: return nil
      }
    }
    return nil
  }

  /// The first line has the securebits, then comes the status file.
  private static func credentials(_ text: String) -> Credentials? {
    let parts = text.split(separator: "\n", maxSplits: 1)
    guard parts.count == 2, let securebits = UInt32(parts[0]) else { return nil }
    return ProcessStatus.parse(
      Array(parts[1].utf8), securebits: Securebits(rawValue: securebits))
  }
}
