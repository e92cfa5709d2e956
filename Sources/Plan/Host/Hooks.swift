package import Text

/// What is in the hook directory: programs that the image's maker, or whoever runs the image, wants to
/// run before `kong prepare`.
///
/// The place and the rules are those of the official nginx image, as asked for in Kong/kong#4458.
package struct HookDirectory: Equatable, Sendable {
  /// Where hooks are looked for.
  package static let path: ByteString = "/docker-entrypoint.d"

  /// The way to the directory, which is the last.
  package var way: [PathEntry]
  /// The regular files, links followed, in no order.
  package var files: [HookFile]
  /// Why it could not be listed, in words; nil where it could.
  package var unreadable: String?

  /// Creates a listing.
  package init(
    way: [PathEntry] = [], files: [HookFile] = [], unreadable: String? = nil
  ) {
    self.way = way
    self.files = files
    self.unreadable = unreadable
  }
}

/// A file in the hook directory.
package struct HookFile: Equatable, Sendable {
  /// Its name in the directory.
  package var name: ByteString
  /// The way to the file, which is the last.
  package var way: [PathEntry]
  /// Why the user that hooks run as may not execute it, in words; nil where it may.
  package var refusal: String?

  /// Creates a file.
  package init(name: ByteString, way: [PathEntry]) {
    self.name = name
    self.way = way
  }

  /// Anybody may execute it.
  var isExecutable: Bool { (way.last?.mode ?? 0) & 0o111 != 0 }

  /// The path to exec, without the links on the way.
  var resolvedPath: ByteString { way.last?.path ?? path }

  /// The path by which people know it.
  var path: ByteString { HookDirectory.path + "/" + name }

  /// Only a shell can source such a file.
  var isEnvironmentScript: Bool { name.bytes.suffix(6).elementsEqual(".envsh".utf8) }
}

extension HookDirectory {
  /// What is to be run, in order, and what is to be said.
  struct Selection: Equatable {
    var programs: [HookFile] = []
    var warnings: [Explanation] = []
  }

  /// Chooses what is run as `user`.
  ///
  /// - Throws: ``StartFailure`` where `user` could write what it would run at the next start: then
  ///   whoever takes over the proxy once would stay. And where `user` may not execute one.
  func selection(for user: TargetUser) throws(StartFailure) -> Selection {
    if let unreadable { throw HookDirectory.cannotList(unreadable) }
    if files.isEmpty { return Selection() }
    try check(way, named: HookDirectory.path, user: user)
    var selection = Selection()
    let sorted = files.sorted { ByteString.versionOrder($0.name, $1.name) }
    let scripts = sorted.filter { $0.isEnvironmentScript }
    if !scripts.isEmpty { selection.warnings.append(HookDirectory.environmentScripts(scripts)) }
    for file in sorted where !file.isEnvironmentScript {
      if !file.isExecutable {
        selection.warnings.append(HookDirectory.notExecutable(file))
      } else {
        try check(file.way, named: file.path, user: user)
        if let why = file.refusal { throw .notExecutable(file.path, why: why) }
        selection.programs.append(file)
      }
    }
    return selection
  }

  private func check(
    _ way: [PathEntry], named path: ByteString, user: TargetUser
  ) throws(StartFailure) {
    let writer = user.uid == 0 ? nil : user
    guard let entry = way.firstWritable(by: writer) else { return }
    let who = user.uid == 0 ? "others than root" : user.description
    throw StartFailure(
      status: ExitStatus.configuration,
      what: "the hooks of \(path) are not run: \(who) could write \(entry.path)",
      why:
        "\(entry.path) has \(entry.description), and is not on a read-only mount; whoever"
        + " took over the proxy once could leave code there for each later start",
      waysOut: [
        "in the image: chown -R root:root \(HookDirectory.path) and chmod -R go-w"
          + " \(HookDirectory.path)",
        "mount it read-only: docker run -v ./hooks:\(HookDirectory.path):ro, Kubernetes readOnly:"
          + " true",
        "run no hooks: ENTRYPOINT_HOOKS=off",
      ])
  }

  /// A hook that is silently left out could be the one that makes the start safe.
  private static func cannotList(_ reason: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "the hooks in \(path) cannot be listed", why: reason,
      waysOut: [
        "let everybody read it: chmod 755 \(path)", "run no hooks: ENTRYPOINT_HOOKS=off",
      ])
  }

  private static func notExecutable(_ file: HookFile) -> Explanation {
    Explanation(
      what: "\(file.path) is not run", why: "nobody has the permission to execute it",
      waysOut: [
        "chmod +x it in the image, or in a ConfigMap set defaultMode: 0755", "take it away",
      ])
  }

  private static func environmentScripts(_ files: [HookFile]) -> Explanation {
    let paths = files.map { $0.path.description }.joined(separator: ", ")
    return Explanation(
      what: "\(paths): not read, as files named .envsh are not supported",
      why: "only a shell could take variables over, and none is needed to start Kong here",
      waysOut: ["set the variables in the container's environment", "take it away"])
  }
}
