import Plan
import Text

extension ProgramObstacle {
  /// What keeps a program from running, judged by the beginning of its file; nil if nothing is known.
  ///
  /// Only what certainly does not exist counts: what this process cannot see may exist.
  ///
  /// - Parameter path: PATH, as the program will have it.
  static func find(_ beginning: ProgramBeginning, path: ByteString?) -> ProgramObstacle? {
    switch beginning {
    case .other: return nil
    case .elf(let machine, let loader):
      guard runs(machine) else { return .otherMachine(machine) }
      return loader.flatMap { isAbsent($0) ? .missingLoader($0) : nil }
    case .script(let interpreter, let argument):
      if interpreter.isEmpty { return nil }
      if isAbsent(interpreter) { return .missingInterpreter(interpreter) }
      guard interpreter.bytes.suffix(4).elementsEqual("/env".utf8), let argument,
        !isOptionOrAssignment(argument)
      else { return nil }
      let isFound = ProgramSearch.places(of: argument, path: path).contains { !isAbsent($0) }
      return isFound ? nil : .missingOnPath(argument)
    }
  }

  /// What keeps the program in a file from running; nil also if the file cannot be read.
  static func find(inFile program: ByteString, path: ByteString?) -> ProgramObstacle? {
    do throws(Errno) {
      let file = try PinnedFile(program).open()
      let bytes = try file.contents(limit: ProgramBeginning.limit)
      return find(ProgramBeginning(bytes), path: path)
    } catch {
      return nil
    }
  }

  private static func isAbsent(_ path: ByteString) -> Bool {
    FileAccess.refusal(path, .exists) == .noSuchFileOrDirectory
  }

  private static func isOptionOrAssignment(_ argument: ByteString) -> Bool {
    argument.bytes.first == UInt8(ascii: "-") || argument.bytes.contains(UInt8(ascii: "="))
  }

  /// Whether the kernel may run programs for a machine (elf(5), EM_).
  ///
  /// Many kernels also run those of the 32-bit architecture.
  private static func runs(_ machine: UInt16) -> Bool {
    #if arch(x86_64)
      return machine == 62 || machine == 3
    #elseif arch(arm64)
      return machine == 183 || machine == 40
    #else
      return true
    #endif
  }
}
