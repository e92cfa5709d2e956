package import Capabilities
import Kong
import Nginx
package import Plan
import Preflight
package import Text

extension NginxObstacle {
  /// How many are looked for.
  ///
  /// nginx itself reports only the first.
  private static let limit = 5

  /// Finds what keeps nginx from starting with the configuration in a prefix.
  ///
  /// This is for a start that has failed: before it looks at anything, this process becomes the user for
  /// good and gives up its capabilities.
  ///
  /// - Parameters:
  ///   - user: the user that nginx would have run as.
  ///   - own: who this process is.
  ///   - since: only a configuration that was written after this moment counts.
  /// - Returns: the obstacles in the order in which nginx meets them; none if this process cannot become
  ///   the user.
  package static func find(
    in prefix: ByteString, as user: TargetUser, own: Credentials, since: FileTime
  ) -> [NginxObstacle] {
    do throws(SystemCallFailure) { try become(user, own: own) } catch { return [] }
    var found = closedDirectories(of: prefix)
    let main = prefix + "/nginx.conf"
    guard let written = FileTime(ofChangeTo: main), written >= since else { return found }
    let files = NginxFiles.ofAnybody()
    for use in NginxFileUses(main: main, files: files).uses where found.count < limit {
      if let refusal = refusal(for: use) { found.append(.file(use, refusal)) }
    }
    for listener in NginxListeners(main: main, isRoot: user.uid == 0, files: files).listeners
    where found.count < limit {
      if let obstacle = obstacle(to: listener), !found.hasFamily(of: obstacle) {
        found.append(obstacle)
      }
    }
    return found
  }

  private static func become(_ user: TargetUser, own: Credentials) throws(SystemCallFailure) {
    if user.uid != own.user.effective {
      if user.groups != own.groups { try ProcessIdentity.setGroups(user.groups) }
      if own.group != ProcessIDs(user.gid) { try ProcessIdentity.setGroup(user.gid) }
      try ProcessIdentity.setUser(user.uid)
    }
    // With --user root this process stays root, with the same capabilities as nginx.
    if user.uid != 0 { try ProcessCapabilities.set(permitted: [], inheritable: []) }
  }

  // MARK: files

  /// Kong's own directories that exist, and in which the user cannot create what is missing.
  private static func closedDirectories(of prefix: ByteString) -> [NginxObstacle] {
    PrefixState.laterDirectories.compactMap { name, file in
      let path = prefix + "/" + name
      guard FileAccess.refusal(path, .exists) == nil,
        FileAccess.refusal(path, [.write, .execute]) != nil,
        file.map({ FileAccess.refusal(path + "/" + $0, .exists) != nil }) ?? true
      else { return nil }
      return PathEntry.placed(path).map { .closedDirectory($0) }
    }
  }

  /// Why the user whose rights for files this process has now cannot use a file; nil if it can.
  static func refusal(for use: NginxFileUse) -> AccessRefusal? {
    // Streams of prepare differ from those of nginx.
    for directory in ["/dev/", "/proc/"] where use.path.bytes.starts(with: directory.utf8) {
      return nil
    }
    switch use.purpose {
    case .read: return refusal(of: use.path, .read)
    case .socket: return refusal(of: use.path.parent, [.write, .execute])
    case .write, .directory:
      let mode: AccessMode = use.purpose == .write ? .write : .exists
      switch FileAccess.refusal(use.path, mode) {
      case nil: return nil
      case .noSuchFileOrDirectory?: return refusal(of: use.path.parent, [.write, .execute])
      default: return isStream(use.path) ? nil : refusal(of: use.path, mode)
      }
    }
  }

  /// Why the user cannot use a file or a directory so (access(2)).
  private static func refusal(of path: ByteString, _ mode: AccessMode) -> AccessRefusal? {
    switch FileAccess.refusal(path, mode) {
    case nil: nil
    case .noSuchFileOrDirectory?: .missing
    case .readOnlyFileSystem?: .readOnly
    default: firstClosed(on: path).map { .denied($0) }
    }
  }

  /// The first directory of the path that this process may not enter; otherwise what the path names.
  private static func firstClosed(on path: ByteString) -> PathEntry? {
    for index in path.bytes.indices.dropFirst() where path.bytes[index] == UInt8(ascii: "/") {
      let directory = ByteString(Array(path.bytes[..<index]))
      if FileAccess.refusal(directory, .execute) == .permissionDenied { return .placed(directory) }
    }
    return .placed(path)
  }

  /// Whether it leads to a pipe, a terminal or another device.
  private static func isStream(_ path: ByteString) -> Bool {
    guard let type = (try? FileStatus(path))?.type else { return false }
    return type != .regular && type != .directory
  }

  // MARK: sockets

  private static func obstacle(to listener: Listener) -> NginxObstacle? {
    guard !listener.flags.contains("transparent") else { return nil }
    switch AddressState.read(of: listener) {
    case .isNotHere: return .notLocal(listener)
    case .hasNoFamily where listener.host?.isIPv6 == true: return .noIPv6(listener)
    default: return nil
    }
  }
}

extension [NginxObstacle] {
  /// Whether the lack of IPv6 is already among them.
  fileprivate func hasFamily(of other: NginxObstacle) -> Bool {
    guard case .noIPv6 = other else { return false }
    return contains { if case .noIPv6 = $0 { true } else { false } }
  }
}

extension ByteString {
  /// The directory that a path is in.
  fileprivate var parent: ByteString {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == 0 ? "/" : ByteString(Array(bytes[..<slash]))
  }
}

extension FileTime {
  /// When the contents of a file were last changed; nil if there is no file.
  fileprivate init?(ofChangeTo path: ByteString) {
    do throws(Errno) { self = try FileStatus(path).modification } catch { return nil }
  }
}
