import EntrypointPlan
import Glibc
import SystemPackage

/// execve(2), with everything that allocates done beforehand.
struct ProgramExecution {
  private let path: UnsafeMutablePointer<CChar>?
  private let arguments: [UnsafeMutablePointer<CChar>?]
  private let environment: [UnsafeMutablePointer<CChar>?]
  private let name: ByteString

  init(_ execution: Execution, environment: EnvironmentBlock) {
    name = execution.path
    path = execution.path.duplicated()
    arguments = execution.arguments.map { $0.duplicated() } + [nil]
    self.environment = environment.applying(execution.environment)
  }

  /// Replaces this process's program; returns only by throwing.
  func run() throws(StartFailure) -> Never {
    if let path { execve(path, arguments, environment) }
    throw ProgramExecution.failure(name, Errno(rawValue: errno))
  }

  private static func failure(_ path: ByteString, _ reason: Errno) -> StartFailure {
    let (why, wayOut): (String, String) =
      switch reason {
      case .noSuchFileOrDirectory:
        (
          "the file, or the interpreter that it names, is not there",
          "look at its first line (#!), or at the loader it needs: ldd \(path)"
        )
      case .execFormatError:
        (
          "it is neither a program for this machine nor a script that begins with #!",
          "give a script a first line such as #!/bin/sh"
        )
      case .permissionDenied:
        (
          "the user that would run it may not, or its mount is noexec",
          "check the permissions of the file and of each directory above it"
        )
      case .notPermitted:
        (
          "it carries file capabilities with the effective bit that this process cannot get",
          "take them off in the image: setcap -r \(path)"
        )
      case .argListTooLong:
        (
          "arguments and environment together are larger than the kernel allows",
          "shorten the longest variable; one string may have 128 KiB"
        )
      default: (String(describing: reason), "see execve(2)")
      }
    return StartFailure(
      status: reason == .noSuchFileOrDirectory ? ExitStatus.notFound : ExitStatus.notExecutable,
      what: "cannot execute \(path)", why: "\(why) (\(reason))", waysOut: [wayOut])
  }
}
