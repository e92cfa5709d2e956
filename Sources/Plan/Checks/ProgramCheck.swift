import Text

extension Request {
  /// The way to an image that has the program that is missing.
  fileprivate var waysToKong: [String] {
    isKong ? ["use an image with Kong in it: FROM kong:3.9 in the Dockerfile"] : []
  }
}

extension Basis {
  /// The file of the command, if it can run.
  func command(named name: ByteString) throws(StartFailure) -> ProgramFile {
    try file(host.command, waysToAnother: ["correct the command or PATH"]) {
      StartFailure(
        status: ExitStatus.notFound, what: "there is no command \"\(name)\"",
        why: name.bytes.contains(UInt8(ascii: "/"))
          ? "no such file" : "no directory on PATH has a file of this name",
        waysOut: waysToFind(name))
    }
  }

  /// The file of nginx, if it can run.
  func proxy() throws(StartFailure) -> ProgramFile {
    try file(host.proxy ?? .absent, waysToAnother: waysToNginx) {
      StartFailure(
        status: ExitStatus.notFound, what: "there is no nginx at \(request.proxy)",
        why: "no such file", waysOut: waysToNginx + request.waysToKong)
    }
  }

  private var waysToNginx: [String] {
    let wayToName = "give the path of nginx with --proxy PATH or ENTRYPOINT_PROXY"
    return request.proxy == Request.defaultProxy
      ? [wayToName] : [wayToName, "leave it out: the default is \(Request.defaultProxy)"]
  }

  private func file(
    _ lookup: ProgramLookup, waysToAnother: [String], absence: () -> StartFailure
  ) throws(StartFailure) -> ProgramFile {
    switch lookup {
    case .found(let file):
      if let obstacle = file.obstacle { throw obstacle.failure(file.path) }
      return file
    case .absent: throw absence()
    case .notExecutable(let path, let reason):
      throw .notExecutable(
        path, why: reason, waysOut: [StartFailure.wayToExecute(path)] + waysToAnother)
    case .notRegular(let path):
      throw .notExecutable(path, why: "it is not a regular file", waysOut: waysToAnother)
    }
  }

  private func waysToFind(_ name: ByteString) -> [String] {
    let words = name.bytes.split(separator: UInt8(ascii: " "))
    if words.count > 1 {
      let list = words.map { "\"\(ByteString(Array($0)))\"" }.joined(separator: ", ")
      return ["write each word by itself: CMD [\(list)], Kubernetes args: [\(list)]"]
    }
    return request.isKong
      ? ["put the directory of kong on PATH"] + request.waysToKong
      : ["correct the command or PATH", "give the command's full path"]
  }
}
