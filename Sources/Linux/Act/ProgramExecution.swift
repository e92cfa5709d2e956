import Plan
import Text

/// The exec of a program (execve(2)).
enum ProgramExecution {
  /// Replaces this process's program; returns only by throwing.
  static func run(
    _ execution: Execution, environment: EnvironmentBlock
  ) throws(StartFailure) -> Never {
    do throws(Errno) {
      try RunningProcess.execute(
        execution.path, execution.arguments, environment.applying(execution.environment))
    } catch {
      throw failure(execution.path, error)
    }
  }

  private static func failure(_ path: ByteString, _ reason: Errno) -> StartFailure {
    // Hooks were not inspected before, and programs may have changed.
    if reason == .noSuchFileOrDirectory || reason == .execFormatError,
      let obstacle = ProgramObstacle.find(inFile: path, path: nil)
    {
      return obstacle.failure(path)
    }
    let (why, waysOut): (String, [String]) =
      switch reason {
      case .noSuchFileOrDirectory:
        (
          "the file, or something it needs to run, does not exist",
          ["use a program that is built for this image"]
        )
      case .execFormatError:
        (
          "it is neither a program for this machine nor a script that begins with #!",
          [
            "use the image for this machine's architecture (uname -m): docker run --platform",
            "give a script a first line such as #!/bin/sh",
          ]
        )
      case .permissionDenied:
        (
          FileAccess.whyNotExecutable(path, by: ProcessIdentity.effectiveUser),
          [StartFailure.wayToExecute(path)]
        )
      case .notPermitted:
        (
          "it has file capabilities with the effective bit, and this process cannot get them",
          ["remove them in the image: setcap -r \(path)"]
        )
      case .argListTooLong:
        (
          "arguments and environment together are larger than the kernel allows",
          ["shorten the longest variable; one string may have 128 KiB"]
        )
      default: ("the kernel refuses it", reason.cause.waysOut)
      }
    return StartFailure(
      status: reason == .noSuchFileOrDirectory ? ExitStatus.notFound : ExitStatus.notExecutable,
      what: "cannot execute \(path)", why: "\(why) (\(reason))", waysOut: waysOut)
  }
}
