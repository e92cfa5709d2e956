import Kong
import Nginx
import Plan
import Text

/// The file system that Kong's prefix is on, or will be made on (statvfs(3)).
package struct PrefixSpace: Equatable, Sendable {
  /// How much of something there is, and how much of it a user may still take.
  package struct Amount: Equatable, Sendable {
    /// All of it; 0 where the file system has no limit, or does not say.
    package var all: UInt
    /// What is left.
    package var free: UInt

    package init(all: UInt, free: UInt) { (self.all, self.free) = (all, free) }

    /// Whether less is left than some number.
    func isBelow(_ least: UInt) -> Bool { all > 0 && free < least }
  }

  /// Bytes.
  package var bytes: Amount
  /// Files and directories, the inodes.
  package var files: Amount
  /// Whether nothing can be written.
  package var isReadOnly: Bool
  /// Whether no program or library on it can be executed.
  package var isNoExec: Bool
  /// Whether an earlier `kong prepare` has written the prefix, so that the next one takes little more.
  package var isPrepared: Bool

  /// What was read.
  package init(
    bytes: Amount, files: Amount, isReadOnly: Bool, isNoExec: Bool, isPrepared: Bool
  ) {
    (self.bytes, self.files) = (bytes, files)
    (self.isReadOnly, self.isNoExec, self.isPrepared) = (isReadOnly, isNoExec, isPrepared)
  }
}

/// The check `prefix`.
package enum PrefixCheck {
  /// What a first `kong prepare` and nginx write: a copy of the system's certificates (210 KB with Debian's)
  /// is the largest file; with the configuration, keys and logs there are some 40 files and directories.
  private static let first = (bytes: UInt(1 << 20), files: UInt(50))
  /// What a later start writes anew.
  private static let later = (bytes: UInt(256 << 10), files: UInt(10))

  /// Decides; nothing is said of what is fine.
  package static func problems(_ start: CheckedStart, _ space: PrefixSpace) -> [Finding.Verdict] {
    let prefix = start.request.prefix.shortened
    if space.isReadOnly {
      return [
        .failed(
          Explanation(
            what: "kong prepare cannot write to \(prefix)",
            why: "its file system is read-only", waysOut: mounts(prefix)))
      ]
    }
    let least = space.isPrepared ? later : first
    return [
      shortage(prefix, space.bytes, least.bytes, in: space) { "\($0 >> 10) KiB" },
      shortage(prefix, space.files, least.files, in: space) { "\($0) files (inodes)" },
      space.isNoExec ? libraries(start) : nil,
    ].compactMap { $0 }
  }

  private static func shortage(
    _ prefix: String, _ amount: PrefixSpace.Amount, _ least: UInt, in space: PrefixSpace,
    _ text: (UInt) -> String
  ) -> Finding.Verdict? {
    guard amount.isBelow(least) else { return nil }
    let explanation = Explanation(
      what: "there is room for \(text(amount.free)) in \(prefix), and Kong needs \(text(least))",
      why:
        "kong prepare writes nginx's configuration, keys and certificates there, and nginx its logs and the"
        + " bodies of requests; the file system has room for \(text(amount.all)) in all",
      waysOut: [
        "remove what else is on that file system, or make it larger: df -h \(prefix); df -i \(prefix)"
      ] + mounts(prefix))
    // What is there is written anew in its place.
    return amount.free == 0 && !space.isPrepared ? .failed(explanation) : .warning(explanation)
  }

  /// Nothing that Kong itself puts into the prefix is executed.
  private static func libraries(_ start: CheckedStart) -> Finding.Verdict? {
    let name = "KONG_LUA_PACKAGE_CPATH"
    let prefix = start.request.prefix
    let isNamed = start.value(of: name)?.bytes.split(separator: UInt8(ascii: ";")).contains {
      $0.starts(with: (prefix + "/").bytes)
    }
    guard isNamed == true else { return nil }
    return .warning(
      Explanation(
        what: "nginx cannot load libraries in \(prefix.shortened), which \(name) names",
        why: "the file system is mounted with noexec",
        waysOut: [
          "put them into the image, elsewhere",
          "mount it with exec: --tmpfs \(prefix.shortened):exec",
        ]
      ))
  }

  private static func mounts(_ prefix: String) -> [String] {
    [
      "docker run --tmpfs \(prefix):mode=1777, or a volume; Kubernetes: an emptyDir with a larger sizeLimit",
      "set KONG_PREFIX to a directory on a file system with room",
    ]
  }
}
