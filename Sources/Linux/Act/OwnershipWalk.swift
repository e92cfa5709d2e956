import Kong
import Text

/// Walks through a directory tree and gives to a user what does not belong to it.
///
/// The user may exchange, move and link files meanwhile. So each step goes from an open directory by one
/// name, never through a link. A file that gets a new owner is first pinned by a descriptor, then checked
/// and changed through that descriptor: what was checked is what is changed. If nothing has to change,
/// nothing is written.
///
/// The user may also have moved a file of another owner into its own directory (rename(2)). So nothing in
/// a directory that already belongs to the user is given, except mounts.
struct OwnershipWalk {
  /// How deep directories are followed.
  ///
  /// Each level holds a descriptor, of which a process may have 1024 by default, and a buffer. A hostile
  /// user can nest thousands of directories; Kong's prefix has four levels. Climbing back by ".." would
  /// trust that nobody has moved the directory.
  static let maximumDepth = 128

  private let uid: UInt32
  private let gid: UInt32
  private(set) var report = OwnershipReport()
  /// The directory that the walk is in.
  private var path: [UInt8]
  /// Whether the directory did not belong to the user before, so the user cannot have moved files into it.
  private var isFresh = false
  /// The device of that directory (inode(7)).
  private var device: UInt64 = 0
  /// Whether the last entry had to be changed.
  ///
  /// Then the next one probably has to be changed, too, and is pinned at once, without a look by name.
  private var expectsChange = false

  /// - Parameter path: the path of the directory, for the report.
  init(at path: ByteString, uid: UInt32, gid: UInt32) {
    self.path = path.bytes
    self.uid = uid
    self.gid = gid
  }

  /// Walks through a directory, and gives the directory itself in any case.
  ///
  /// - Parameters:
  ///   - directory: a reference to it (`O_PATH`).
  ///   - isPlacedByRoot: whether only root can have put it there.
  mutating func start(in directory: borrowing Directory, isPlacedByRoot: Bool) {
    isFresh = isPlacedByRoot
    do throws(Errno) {
      let contents = try directory.open(ByteString("."))
      walk(contents, try contents.status(), depth: 1)
    } catch {
      giveUnread(directory, reason: error)
    }
  }

  /// Walks through the directory, and gives the directory itself last: until then the user cannot touch
  /// what is in a directory of root, and root may be unable to enter it afterwards.
  private mutating func walk(_ directory: borrowing Directory, _ status: FileStatus, depth: Int) {
    report.examined += 1
    let (wasFresh, deviceAbove) = (isFresh, device)
    isFresh = isFresh && status.uid != uid
    device = status.device
    do throws(Errno) {
      try directory.forEachEntry { visit($0, in: directory, depth: depth) }
    } catch {
      report.leave(ByteString(path), .unreadable(error.description))
    }
    (isFresh, device) = (wasFresh, deviceAbove)
    give(directory, status)
  }

  /// Gives a directory that root cannot read for lack of cap_dac_override, without its contents.
  ///
  /// It is reported only then: every later start meets such directories of the user, such as PREFIX/ssl.
  private mutating func giveUnread(_ directory: borrowing Directory, reason: Errno) {
    report.examined += 1
    var isOthers = true
    do throws(Errno) { isOthers = !isGiven(try directory.status()) } catch {
      // The attempt to give it says why.
    }
    guard isOthers else { return }
    report.leave(ByteString(path), .unreadable(reason.description))
    if let reason = give(directory.descriptor) { report.leave(ByteString(path), reason) }
  }

  private mutating func give(_ directory: borrowing Directory, _ status: FileStatus) {
    guard !isGiven(status) else { return }
    if let reason = give(directory.descriptor) { report.leave(ByteString(path), reason) }
  }

  private mutating func visit(
    _ entry: borrowing DirectoryEntry, in directory: borrowing Directory, depth: Int
  ) {
    if entry.kind == .directory { return enter(entry, in: directory, depth: depth) }
    if expectsChange { return pin(entry, in: directory, depth: depth) }
    do throws(Errno) {
      let status = try directory.status(of: entry)
      if status.type == .directory { return enter(entry, in: directory, depth: depth) }
      guard isGiven(status) else { return pin(entry, in: directory, depth: depth) }
      report.examined += 1
    } catch {
      vanished(entry, error)
    }
  }

  private mutating func enter(
    _ entry: borrowing DirectoryEntry, in parent: borrowing Directory, depth: Int
  ) {
    let length = path.count
    path += pathBytes(entry)
    defer { path.removeLast(path.count - length) }
    guard depth < OwnershipWalk.maximumDepth else { return skip(.tooDeep) }
    do throws(Errno) {
      let directory = try parent.open(entry)
      let status = try directory.status()
      if isForeign(status, directory.descriptor) { return skip(.foreign(status.uid)) }
      // The user cannot have changed what is mounted in its directory.
      let wasFresh = isFresh
      isFresh = isFresh || status.uid != uid
      walk(directory, status, depth: depth + 1)
      isFresh = wasFresh
    } catch {
      switch error {
      case .noSuchFileOrDirectory: return
      case .notDirectory, .tooManySymbolicLinkLevels: skip(.replaced)
      default: enterUnread(entry, in: parent, reason: error)
      }
    }
  }

  /// Enters a directory that cannot be listed, and gives only the directory itself.
  private mutating func enterUnread(
    _ entry: borrowing DirectoryEntry, in parent: borrowing Directory, reason: Errno
  ) {
    let directory: Directory
    do throws(Errno) { directory = try parent.open(entry, for: .reference) } catch {
      return skip(.unreadable(reason.description))
    }
    do throws(Errno) {
      let status = try directory.status()
      if isForeign(status, directory.descriptor) { return skip(.foreign(status.uid)) }
    } catch {
      // The attempt to give it says why.
    }
    giveUnread(directory, reason: reason)
  }

  /// Skips the current directory.
  private mutating func skip(_ reason: OwnershipReport.Reason) {
    report.examined += 1
    report.leave(ByteString(path), reason)
  }

  /// Pins whatever has the name now, checks it, and changes it.
  private mutating func pin(
    _ entry: borrowing DirectoryEntry, in directory: borrowing Directory, depth: Int
  ) {
    do throws(Errno) {
      let pinned = try directory.reference(to: entry)
      let status = try pinned.status()
      if status.type == .directory { return enter(entry, in: directory, depth: depth) }
      report.examined += 1
      expectsChange = !isGiven(status)
      if !expectsChange { return }
      if let reason = exemption(status, pinned) ?? give(pinned) {
        report.leave(path(of: entry), reason)
      }
    } catch {
      vanished(entry, error)
    }
  }

  /// Why an entry of another owner must not be given.
  private func exemption(
    _ status: FileStatus, _ descriptor: borrowing Descriptor
  ) -> OwnershipReport.Reason? {
    if status.type.isDevice { return .device }
    if isForeign(status, descriptor) { return .foreign(status.uid) }
    // If fs.protected_hardlinks is 0, the user may have linked any file of this mount, such as
    // /etc/shadow (proc(5)).
    return status.links > 1 && status.uid != uid ? .hardLink : nil
  }

  /// Gives the file of a descriptor; returns why the kernel refuses.
  private mutating func give(_ descriptor: borrowing Descriptor) -> OwnershipReport.Reason? {
    do throws(Errno) {
      try descriptor.give(to: uid, group: gid)
      report.changed += 1
      return nil
    } catch {
      return error == .readOnlyFileSystem ? .readOnly : .refused(error.description)
    }
  }

  /// Reports why an entry cannot be looked at, unless it no longer exists.
  private mutating func vanished(_ entry: borrowing DirectoryEntry, _ reason: Errno) {
    if reason == .noSuchFileOrDirectory { return }
    report.examined += 1
    report.leave(path(of: entry), .refused(reason.description))
  }

  /// Whether the user may have moved it here from where it was.
  private func isForeign(_ status: FileStatus, _ descriptor: borrowing Descriptor) -> Bool {
    status.uid != uid && !isFresh && !descriptor.isMountPoint(status, below: device)
  }

  private func isGiven(_ status: FileStatus) -> Bool {
    status.uid == uid && status.gid == gid
  }

  private func path(of entry: borrowing DirectoryEntry) -> ByteString {
    ByteString(path + pathBytes(entry))
  }

  private func pathBytes(_ entry: borrowing DirectoryEntry) -> [UInt8] {
    [UInt8(ascii: "/")] + entry.name.bytes
  }
}
