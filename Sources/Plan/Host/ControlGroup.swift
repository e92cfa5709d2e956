package import Text

/// Where in /sys/fs/cgroup the limits of this process are (cgroups(7), /proc/PID/cgroup).
package struct ControlGroup: Equatable, Sendable {
  /// What a hierarchy of control groups limits.
  package enum Controller: String, Sendable {
    /// Time on processors.
    case cpu
    /// Memory.
    case memory
  }

  /// The version of the hierarchy: 1 or 2.
  package var version: Int
  /// The group's directory and those above it, up to where the hierarchy is mounted: each can have a limit.
  ///
  /// Where a container has no cgroup namespace, its path is one from outside: only the last is there, which
  /// is its own group.
  package var directories: [ByteString]

  /// How many directories are looked at, from the top.
  private static let depth = 32

  /// Reads the contents of /proc/self/cgroup; nil where no hierarchy has this controller.
  ///
  /// That of v1 counts where there is one: then v2 has no such controller.
  package init?(_ bytes: [UInt8], of controller: Controller) {
    let name = controller.rawValue
    var path: ArraySlice<UInt8>?
    var version = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let parts = line.split(
        separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[2].first == UInt8(ascii: "/") else { continue }
      let controllers = parts[1].split(separator: UInt8(ascii: ","))
      if controllers.contains(where: { $0.elementsEqual(name.utf8) }) {
        (path, version) = (parts[2], 1)
      } else if version == 0, parts[0].elementsEqual("0".utf8), parts[1].isEmpty {
        (path, version) = (parts[2], 2)
      }
    }
    guard let path else { return nil }
    self.version = version
    directories = [ByteString(version == 1 ? "/sys/fs/cgroup/\(name)" : "/sys/fs/cgroup")]
    for name in path.split(separator: UInt8(ascii: "/")).prefix(ControlGroup.depth) {
      // A group outside of this process's cgroup namespace: nothing of it is to be seen.
      if name.elementsEqual("..".utf8) { break }
      directories.insert(directories[0] + "/" + ByteString(Array(name)), at: 0)
    }
  }
}
