import EntrypointPlan
import Glibc
import SystemPackage

/// A program that takes the place of this one (execve(2)).
enum ProgramExecution {
  /// Replaces this process's program; returns only by throwing.
  static func run(
    _ execution: Execution, environment: EnvironmentBlock
  ) throws(StartFailure) -> Never {
    let arguments = execution.arguments.map { $0.duplicated() } + [nil]
    let environment = environment.applying(execution.environment)
    _ = execution.path.withCString { execve($0, arguments, environment) }
    throw failure(execution.path, Errno(rawValue: errno))
  }

  private static func failure(_ path: ByteString, _ reason: Errno) -> StartFailure {
    let (why, waysOut): (String, [String]) =
      switch reason {
      case .noSuchFileOrDirectory: missing(path)
      case .execFormatError:
        (
          "it is neither a program for this machine nor a script that begins with #!",
          [
            "take the image of this machine's architecture (uname -m): docker run --platform",
            "give a script a first line such as #!/bin/sh",
          ]
        )
      case .permissionDenied:
        (
          FileAccess.whyNotExecutable(path, by: geteuid()),
          [StartFailure.wayToExecute(path)]
        )
      case .notPermitted:
        (
          "it carries file capabilities with the effective bit that this process cannot get",
          ["take them off in the image: setcap -r \(path)"]
        )
      case .argListTooLong:
        (
          "arguments and environment together are larger than the kernel allows",
          ["shorten the longest variable; one string may have 128 KiB"]
        )
      default: (String(describing: reason), ["see execve(2)"])
      }
    return StartFailure(
      status: reason == .noSuchFileOrDirectory ? ExitStatus.notFound : ExitStatus.notExecutable,
      what: "cannot execute \(path)", why: "\(why) (\(reason))", waysOut: waysOut)
  }

  /// ENOENT is of the file, or of what its beginning names.
  private static func missing(_ path: ByteString) -> (String, [String]) {
    guard let interpreter = interpreter(of: path) else {
      return (
        "the file, or the loader that it needs, is not there",
        ["take the program that is made for this image: one for musl (Alpine) needs musl's loader"]
      )
    }
    let why = "its first line names the interpreter \(interpreter), which is not there"
    return interpreter.bytes.last == UInt8(ascii: "\r")
      ? (why + ": the file has the line ends of Windows", ["sed -i 's/\\r$//' \(path)"])
      : (why, ["install \(interpreter), or correct the line"])
  }

  /// What the first line of a script names, as far as the kernel reads it (BINPRM_BUF_SIZE); nil for
  /// another file, or one that may not be read.
  private static func interpreter(of path: ByteString) -> ByteString? {
    guard let file = try? FileDescriptor.open(path.path, .readOnly, options: .closeOnExec) else {
      return nil
    }
    defer { try? file.close() }
    var beginning = [UInt8](repeating: 0, count: 256)
    let count = (try? beginning.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
    guard beginning.starts(with: "#!".utf8) else { return nil }
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let line = beginning[2..<count].drop(while: isBlank)
    return ByteString(Array(line.prefix { !isBlank($0) && $0 != UInt8(ascii: "\n") }))
  }
}
