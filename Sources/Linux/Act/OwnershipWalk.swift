import Kong
import Text
import Glibc
import SystemPackage

/// Goes through a directory and all that is in it, and gives to a user what is not the user's.
///
/// Somebody may exchange, move and link files in it meanwhile. So each step goes from an open
/// directory by one name, never through a link; and what gets another owner is first pinned by a
/// descriptor, looked at by that descriptor, and changed by that descriptor. What was checked is what
/// is changed. Where nothing has to be changed, nothing is written.
///
/// And he may have moved a file of another owner into a directory of his (rename(2)). So what is in a
/// directory that is the user's already is not given, but for what is mounted there.
struct OwnershipWalk {
  /// How deep directories are followed.
  ///
  /// Each level holds a descriptor, of which a process may have 1024 by default, and a buffer; a
  /// hostile user can nest thousands. Kong's own prefix is four levels deep. To climb back by ".."
  /// instead would be to trust that nobody has moved the directory.
  static let maximumDepth = 128

  private let uid: uid_t
  private let gid: gid_t
  private(set) var report = OwnershipReport()
  /// The directory that the walk is in.
  private var path: [UInt8]
  /// Whether the user has not owned that directory before, so that others have put there what is not his.
  private var isFresh = false
  /// The device of that directory (inode(7)).
  private var device: dev_t = 0
  /// Whether the last entry had to be changed, and so the next one probably has to be, too.
  ///
  /// Then that is pinned at once, without being looked at by name before.
  private var expectsChange = false

  /// Prepares a walk.
  init(at path: ByteString, uid: uid_t, gid: gid_t) {
    self.path = path.bytes
    self.uid = uid
    self.gid = gid
  }

  /// Walks through a directory, which is given itself in any case.
  ///
  /// - Parameters:
  ///   - directory: a reference to it (`O_PATH`).
  ///   - isPlacedByRoot: whether nobody but root can have put it where it is.
  mutating func start(in directory: borrowing Directory, isPlacedByRoot: Bool) {
    isFresh = isPlacedByRoot
    do throws(Errno) {
      let contents = try Directory.open(".", in: directory.descriptor)
      walk(contents, try contents.status(), depth: 1)
    } catch {
      giveUnread(directory, reason: error)
    }
  }

  /// Goes through the directory, and gives it at last itself: what is in a directory of root's is safe
  /// from the user until it has been given, and root may be unable to enter it afterwards.
  private mutating func walk(_ directory: borrowing Directory, _ status: stat, depth: Int) {
    report.examined += 1
    let (wasFresh, deviceAbove) = (isFresh, device)
    isFresh = isFresh && status.st_uid != uid
    device = status.st_dev
    let descriptor = directory.descriptor
    do throws(Errno) {
      try directory.forEachEntry { visit($0, type: $1, in: descriptor, depth: depth) }
    } catch {
      report.leave(ByteString(path), .unreadable(String(describing: error)))
    }
    (isFresh, device) = (wasFresh, deviceAbove)
    give(directory, status)
  }

  /// A directory that cannot be read, as root without cap_dac_override finds them, can be given, but
  /// not what is in it.
  ///
  /// That is said once: one that is the user's already is nothing to speak of, as at every start after
  /// the first there are some, such as PREFIX/ssl.
  private mutating func giveUnread(_ directory: borrowing Directory, reason: Errno) {
    report.examined += 1
    var status = stat()
    if fstat(directory.descriptor, &status) == 0, isGiven(status) { return }
    report.leave(ByteString(path), .unreadable(String(describing: reason)))
    give(directory, status)
  }

  private mutating func give(_ directory: borrowing Directory, _ status: stat) {
    guard !isGiven(status) else { return }
    if let reason = give(directory.descriptor) { report.leave(ByteString(path), reason) }
  }

  private mutating func visit(
    _ name: UnsafePointer<CChar>, type: Int, in directory: CInt, depth: Int
  ) {
    if type == DT_DIR { return enter(name, in: directory, depth: depth) }
    if expectsChange { return pin(name, in: directory, depth: depth) }
    var status = stat()
    guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      return vanished(name)
    }
    if isDirectory(status) { return enter(name, in: directory, depth: depth) }
    guard isGiven(status) else { return pin(name, in: directory, depth: depth) }
    report.examined += 1
  }

  private mutating func enter(_ name: UnsafePointer<CChar>, in parent: CInt, depth: Int) {
    let length = path.count
    path += pathBytes(name)
    defer { path.removeLast(path.count - length) }
    guard depth < OwnershipWalk.maximumDepth else { return skip(.tooDeep) }
    do throws(Errno) {
      let directory = try Directory.open(name, in: parent)
      let status = try directory.status()
      if isForeign(status, directory.descriptor) { return skip(.foreign(status.st_uid)) }
      // What is mounted in a directory of the user's is as root has made it.
      let wasFresh = isFresh
      isFresh = isFresh || status.st_uid != uid
      walk(directory, status, depth: depth + 1)
      isFresh = wasFresh
    } catch {
      switch error {
      case .noSuchFileOrDirectory: return
      case .notDirectory, .tooManySymbolicLinkLevels: skip(.replaced)
      default:
        guard let directory = try? Directory.open(name, in: parent, access: openPath) else {
          return skip(.unreadable(String(describing: error)))
        }
        if let status = try? directory.status(), isForeign(status, directory.descriptor) {
          return skip(.foreign(status.st_uid))
        }
        giveUnread(directory, reason: error)
      }
    }
  }

  /// Leaves the directory that the path leads to.
  private mutating func skip(_ reason: OwnershipReport.Reason) {
    report.examined += 1
    report.leave(ByteString(path), reason)
  }

  /// Holds on to whatever the name leads to now, looks at it, and changes that.
  private mutating func pin(_ name: UnsafePointer<CChar>, in directory: CInt, depth: Int) {
    guard let descriptor = try? openReference(name, in: directory) else { return vanished(name) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return vanished(name) }
    if isDirectory(status) { return enter(name, in: directory, depth: depth) }
    report.examined += 1
    expectsChange = !isGiven(status)
    if !expectsChange { return }
    if let reason = exemption(status, descriptor) ?? give(descriptor) {
      report.leave(path(of: name), reason)
    }
  }

  /// Why an entry that is not the user's has to stay so.
  private func exemption(_ status: stat, _ descriptor: CInt) -> OwnershipReport.Reason? {
    let type = status.st_mode & S_IFMT
    if type == S_IFBLK || type == S_IFCHR { return .device }
    if isForeign(status, descriptor) { return .foreign(status.st_uid) }
    // The user may have linked any file of this mount, such as /etc/shadow, where
    // fs.protected_hardlinks is 0 (proc(5)).
    return status.st_nlink > 1 && status.st_uid != uid ? .hardLink : nil
  }

  /// Gives what the descriptor holds; says why the kernel did not.
  private mutating func give(_ descriptor: CInt) -> OwnershipReport.Reason? {
    if fchownat(descriptor, "", uid, gid, emptyPath) == 0 {
      report.changed += 1
      return nil
    }
    let reason = Errno(rawValue: errno)
    return reason == .readOnlyFileSystem ? .readOnly : .refused(String(describing: reason))
  }

  /// Says why a name of the directory cannot be looked at, unless it is just gone by now.
  private mutating func vanished(_ name: UnsafePointer<CChar>) {
    let reason = Errno(rawValue: errno)
    if reason == .noSuchFileOrDirectory { return }
    report.examined += 1
    report.leave(path(of: name), .refused(String(describing: reason)))
  }

  /// Whether the user may have moved it here from where it was.
  private func isForeign(_ status: stat, _ descriptor: CInt) -> Bool {
    status.st_uid != uid && !isFresh && !isMountPoint(descriptor, status, below: device)
  }

  private func isGiven(_ status: stat) -> Bool {
    status.st_uid == uid && status.st_gid == gid
  }

  private func isDirectory(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFDIR
  }

  private func path(of name: UnsafePointer<CChar>) -> ByteString {
    ByteString(path + pathBytes(name))
  }

  private func pathBytes(_ name: UnsafePointer<CChar>) -> [UInt8] {
    [UInt8(ascii: "/")] + ByteString(cString: name).bytes
  }
}
