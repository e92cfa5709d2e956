package import Text

/// Why a program that may be executed certainly cannot run.
package enum ProgramObstacle: Equatable, Sendable {
  /// An ELF file for another machine, with its e_machine.
  case otherMachine(UInt16)
  /// A script whose interpreter does not exist.
  case missingInterpreter(ByteString)
  /// A script that env(1) cannot find the interpreter of on PATH.
  case missingOnPath(ByteString)
  /// An ELF file whose loader does not exist.
  case missingLoader(ByteString)

  /// The end of the start, with the status that the kernel's answer to an exec would have.
  package func failure(_ path: ByteString) -> StartFailure {
    let (status, why, waysOut): (Int32, String, [String]) =
      switch self {
      case .otherMachine(let number):
        (
          ExitStatus.notExecutable,
          "it is a program for \(ProgramObstacle.name(ofMachine: number)), not for this machine",
          [
            "use the image for this machine's architecture (uname -m): docker run --platform",
            "install the program for this architecture",
          ]
        )
      case .missingInterpreter(let interpreter):
        interpreter.bytes.last == UInt8(ascii: "\r")
          ? (
            ExitStatus.notFound,
            "its first line names the interpreter \(interpreter), which does not exist: the file has"
              + " Windows line endings",
            ["sed -i 's/\\r$//' \(path)"]
          )
          : (
            ExitStatus.notFound,
            "its first line names the interpreter \(interpreter), which does not exist",
            ["install \(interpreter), or correct the line"]
          )
      case .missingOnPath(let name):
        (
          ExitStatus.notFound,
          "its first line has env look up the interpreter \(name), but no directory on PATH has it",
          ["put the directory of \(name) on PATH", "install \(name), or correct the line"]
        )
      case .missingLoader(let loader):
        (
          ExitStatus.notFound, "it needs the loader \(loader), which does not exist",
          [
            "use a build made for this image: one for musl (Alpine) needs musl's loader"
          ]
        )
      }
    return StartFailure(
      status: status, what: "cannot execute \(path)", why: why, waysOut: waysOut)
  }

  /// As uname(1) has it, where it is one of the usual ones.
  private static func name(ofMachine number: UInt16) -> String {
    switch number {
    case 3: "i386"
    case 21: "ppc64"
    case 22: "s390x"
    case 40: "arm"
    case 62: "x86_64"
    case 183: "aarch64"
    case 243: "riscv"
    default: "another architecture (e_machine \(number))"
    }
  }
}
