import Text

extension Basis {
  /// The file of the command, if it can run.
  func command(named name: ByteString) throws(StartFailure) -> ProgramFile {
    try file(host.command) {
      StartFailure(
        status: ExitStatus.notFound, what: "there is no command \"\(name)\"",
        why: name.bytes.contains(UInt8(ascii: "/"))
          ? "no such file" : "no directory on PATH has a file of this name",
        waysOut: waysToFind(name))
    }
  }

  /// The file of nginx, if it can run.
  func proxy() throws(StartFailure) -> ProgramFile {
    try file(host.proxy ?? .absent) {
      StartFailure(
        status: ExitStatus.notFound, what: "there is no nginx at \(request.proxy)",
        why: "no such file", waysOut: ["give its path with --proxy PATH or ENTRYPOINT_PROXY"])
    }
  }

  private func file(
    _ lookup: ProgramLookup, absence: () -> StartFailure
  ) throws(StartFailure) -> ProgramFile {
    switch lookup {
    case .found(let file):
      if let obstacle = file.obstacle { throw obstacle.failure(file.path) }
      return file
    case .absent: throw absence()
    case .notExecutable(let path, let reason): throw .notExecutable(path, why: reason)
    }
  }

  private func waysToFind(_ name: ByteString) -> [String] {
    let words = name.bytes.split(separator: UInt8(ascii: " "))
    if words.count > 1 {
      let list = words.map { "\"\(ByteString(Array($0)))\"" }.joined(separator: ", ")
      return ["the name has a blank: write args: [\(list)]"]
    }
    return request.isDockerStart
      ? ["put the directory of kong on PATH"]
      : ["correct the command or PATH", "give the command's full path"]
  }
}
