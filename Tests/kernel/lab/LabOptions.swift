import CKernelLab

/// The command line of the lab.
struct LabOptions {
  /// The seed of the random numbers.
  var seed = UInt64.random(in: 0..<1_000_000)
  /// The number of random states.
  var states = 2000
  /// The path of the probe, which is built next to this program.
  var probe: String

  private static let usage = """
    Usage: kernel-lab [--seed N] [--states N] [--probe FILE]

    Tries the rules of capabilities(7), as the planner has them, against this kernel, as root in
    a mount namespace of its own. Exit status 1 if the kernel does anything else than predicted.

      --seed N      repeat the random states of another run
      --states N    how many random states (default 2000, and no fewer)
      --probe FILE  the kernel-probe program (default: next to kernel-lab)
    """

  /// Parses the arguments; ends the process if they are wrong.
  init(_ arguments: [String]) {
    probe = (LabOptions.directoryOfProgram() ?? ".") + "/kernel-probe"
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      if name == "--help" { LabOptions.end(status: 0) }
      guard let value = rest.popFirst() else { LabOptions.end(status: 64) }
      switch (name, UInt64(value)) {
      case ("--seed", let number?): seed = number
      case ("--states", let number?) where number < UInt64(Int32.max): states = Int(number)
      case ("--probe", _): probe = value
      default: LabOptions.end(status: 64)
      }
    }
  }

  private static func directoryOfProgram() -> String? {
    guard let path = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(path) }
    return dirname(path).map { String(cString: $0) }
  }

  private static func end(status: CInt) -> Never {
    print(usage)
    exit(status)
  }
}
