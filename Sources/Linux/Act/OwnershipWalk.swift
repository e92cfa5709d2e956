import Kong
import Text

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

  private let uid: UInt32
  private let gid: UInt32
  private(set) var report = OwnershipReport()
  /// The directory that the walk is in.
  private var path: [UInt8]
  /// Whether the user has not owned that directory before, so that others have put there what is not his.
  private var isFresh = false
  /// The device of that directory (inode(7)).
  private var device: UInt64 = 0
  /// Whether the last entry had to be changed, and so the next one probably has to be, too.
  ///
  /// Then that is pinned at once, without being looked at by name before.
  private var expectsChange = false

  /// Prepares a walk.
  init(at path: ByteString, uid: UInt32, gid: UInt32) {
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
      let contents = try directory.open(ByteString("."))
      walk(contents, try contents.status(), depth: 1)
    } catch {
      giveUnread(directory, reason: error)
    }
  }

  /// Goes through the directory, and gives it at last itself: what is in a directory of root's is safe
  /// from the user until it has been given, and root may be unable to enter it afterwards.
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

  /// A directory that cannot be read, as root without cap_dac_override finds them, can be given, but
  /// not what is in it.
  ///
  /// That is said once: one that is the user's already is nothing to speak of, as at every start after
  /// the first there are some, such as PREFIX/ssl.
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
      // What is mounted in a directory of the user's is as root has made it.
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

  /// Gives a directory that cannot be opened to be listed, as ``enter(_:in:depth:)`` would.
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

  /// Leaves the directory that the path leads to.
  private mutating func skip(_ reason: OwnershipReport.Reason) {
    report.examined += 1
    report.leave(ByteString(path), reason)
  }

  /// Holds on to whatever the name leads to now, looks at it, and changes that.
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

  /// Why an entry that is not the user's has to stay so.
  private func exemption(
    _ status: FileStatus, _ descriptor: borrowing Descriptor
  ) -> OwnershipReport.Reason? {
    if status.type.isDevice { return .device }
    if isForeign(status, descriptor) { return .foreign(status.uid) }
    // The user may have linked any file of this mount, such as /etc/shadow, where
    // fs.protected_hardlinks is 0 (proc(5)).
    return status.links > 1 && status.uid != uid ? .hardLink : nil
  }

  /// Gives what the descriptor holds; says why the kernel did not.
  private mutating func give(_ descriptor: borrowing Descriptor) -> OwnershipReport.Reason? {
    do throws(Errno) {
      try descriptor.give(to: uid, group: gid)
      report.changed += 1
      return nil
    } catch {
      return error == .readOnlyFileSystem ? .readOnly : .refused(error.description)
    }
  }

  /// Says why a name of the directory cannot be looked at, unless it is just gone by now.
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
