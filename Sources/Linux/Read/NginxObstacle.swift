package import Capabilities
import Kong
import Nginx
package import Plan
package import Text
import Glibc
import SystemPackage

extension NginxObstacle {
  /// How many are looked for: nginx itself says the first only.
  private static let limit = 5

  /// Finds what keeps nginx from starting with the configuration in a prefix.
  ///
  /// For a start that has failed: this process becomes the user for good, and gives up its capabilities,
  /// before it looks at anything.
  ///
  /// - Parameters:
  ///   - user: the user that nginx would have run as.
  ///   - own: who this process is.
  ///   - since: only a configuration that was written after this moment counts.
  /// - Returns: in the order in which nginx comes upon them; nothing where this process cannot become the
  ///   user.
  package static func find(
    in prefix: ByteString, as user: TargetUser, own: Credentials, since: FileTime
  ) -> [NginxObstacle] {
    do throws(SystemCallFailure) { try become(user, own: own) } catch { return [] }
    var found = closedDirectories(of: prefix)
    let main = prefix + "/nginx.conf"
    guard let written = FileTime(ofChangeTo: main), written >= since else { return found }
    let files = NginxFiles.ofAnybody()
    for use in NginxFileUses(main: main, files: files).uses where found.count < limit {
      if let reason = reason(for: use) { found.append(.file(use, reason)) }
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
    // Root stays root with --user root, and its nginx has the capabilities that it has.
    if user.uid != 0 { try ProcessCapabilities.set(permitted: [], inheritable: []) }
  }

  // MARK: files

  /// Those of Kong's own directories that are there, and in which the user cannot make what is missing.
  private static func closedDirectories(of prefix: ByteString) -> [NginxObstacle] {
    PrefixState.laterDirectories.compactMap { name, file in
      let path = prefix + "/" + name
      guard FileAccess.refusal(path, F_OK) == nil, FileAccess.refusal(path, W_OK | X_OK) != nil,
        file.map({ FileAccess.refusal(path + "/" + $0, F_OK) != nil }) ?? true
      else { return nil }
      return PathEntry.placed(path).map { .closedDirectory($0) }
    }
  }

  /// Why the user, whose rights for files this process has now, cannot use a file; nil where he can.
  static func reason(for use: NginxFileUse) -> Reason? {
    // Streams: prepare has others than nginx.
    for directory in ["/dev/", "/proc/"] where use.path.bytes.starts(with: directory.utf8) {
      return nil
    }
    switch use.purpose {
    case .read: return refusal(of: use.path, R_OK)
    case .socket: return refusal(of: use.path.parent, W_OK | X_OK)
    case .write, .directory:
      let mode = use.purpose == .write ? W_OK : F_OK
      switch FileAccess.refusal(use.path, mode) {
      case nil: return nil
      case .noSuchFileOrDirectory?: return refusal(of: use.path.parent, W_OK | X_OK)
      default: return isStream(use.path) ? nil : refusal(of: use.path, mode)
      }
    }
  }

  /// Why the user cannot use a file or a directory in a way (access(2)).
  private static func refusal(of path: ByteString, _ mode: CInt) -> Reason? {
    switch FileAccess.refusal(path, mode) {
    case nil: nil
    case .noSuchFileOrDirectory?: .missing
    case .readOnlyFileSystem?: .readOnly
    default: firstClosed(on: path).map(Reason.denied)
    }
  }

  /// The first directory on the way that this process may not enter; else what the path names.
  private static func firstClosed(on path: ByteString) -> PathEntry? {
    for index in path.bytes.indices.dropFirst() where path.bytes[index] == UInt8(ascii: "/") {
      let directory = ByteString(Array(path.bytes[..<index]))
      if FileAccess.refusal(directory, X_OK) == .permissionDenied { return .placed(directory) }
    }
    return .placed(path)
  }

  /// Whether it leads to a pipe, a terminal or another device.
  private static func isStream(_ path: ByteString) -> Bool {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return false }
    let type = status.st_mode & S_IFMT
    return type != S_IFREG && type != S_IFDIR
  }

  // MARK: sockets

  private static func obstacle(to listener: Listener) -> NginxObstacle? {
    guard let host = listener.host, !listener.flags.contains("transparent") else { return nil }
    switch host {
    case .name: return nil
    case .ipv4(let address):
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_addr.s_addr = address.bigEndian
      return bind(AF_INET, &name, MemoryLayout<sockaddr_in>.size) == EADDRNOTAVAIL
        ? .notLocal(listener) : nil
    case .ipv6(let address):
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      withUnsafeMutableBytes(of: &name.sin6_addr) {
        $0.storeBytes(of: address.bigEndian, as: UInt128.self)
      }
      switch bind(AF_INET6, &name, MemoryLayout<sockaddr_in6>.size) {
      case EAFNOSUPPORT: return .noIPv6(listener)
      case EADDRNOTAVAIL: return .notLocal(listener)
      default: return nil
      }
    }
  }

  /// Binds a socket to an address and any port, and closes it (bind(2)).
  ///
  /// - Returns: the error, 0 without one.
  private static func bind(
    _ family: CInt, _ name: UnsafeMutableRawPointer, _ length: Int
  ) -> CInt {
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    let address = name.assumingMemoryBound(to: sockaddr.self)
    return Glibc.bind(descriptor, address, socklen_t(length)) == 0 ? 0 : errno
  }
}

extension [NginxObstacle] {
  /// Whether it is said already that there is no IPv6.
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

/// A moment as file systems note it (inode(7)).
package struct FileTime: Comparable, Sendable {
  private var seconds: Int
  private var nanoseconds: Int

  /// Now, as the kernel would note it for a file: at its last tick.
  package init() {
    var time = timespec()
    // CLOCK_REALTIME_COARSE, by which file systems go.
    clock_gettime(5, &time)
    (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec)
  }

  /// When the contents of a file were last changed; nil where it is not there.
  init?(ofChangeTo path: ByteString) {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return nil }
    (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
  }

  /// Whether one is before another.
  package static func < (left: FileTime, right: FileTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}
