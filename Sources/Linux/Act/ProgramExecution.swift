import Plan
import Text

/// A program that takes the place of this one (execve(2)).
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
    // Of a hook nothing was known before, and of any program only what its beginning says.
    if reason == .noSuchFileOrDirectory || reason == .execFormatError,
      let obstacle = ProgramObstacle.find(inFile: path, path: nil)
    {
      return obstacle.failure(path)
    }
    let (why, waysOut): (String, [String]) =
      switch reason {
      case .noSuchFileOrDirectory:
        (
          "the file, or what it needs to run, is not there",
          ["take the program that is made for this image"]
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
          "it carries file capabilities with the effective bit that this process cannot get",
          ["take them off in the image: setcap -r \(path)"]
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
