import Nginx
package import Plan
import Text
import CLinux
import Glibc
import SystemPackage

extension Accounts {
  /// How large a file may be, in bytes: some 50,000 accounts.
  static let limit = 4 << 20

  /// Reads accounts with glibc's own file readers, fgetpwent_r(3) and fgetgrent_r(3).
  ///
  /// getpwnam(3) would load NSS modules, which a static program must not. A file that is not there
  /// counts as empty, as an image may have none; one that cannot be read, is no regular file or has
  /// more than ``limit`` bytes is the accounts' failure.
  package static func read(
    passwd: String = "/etc/passwd", group: String = "/etc/group"
  ) -> Accounts {
    var accounts = Accounts()
    accounts.failure = forEach(in: passwd, Glibc.passwd(), fgetpwent_r) { entry in
      if isForNIS(entry.pw_name) { return }
      accounts.users.append(
        Account(
          name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
          home: ByteString(cString: entry.pw_dir)))
    }
    let failure = forEach(in: group, Glibc.group(), fgetgrent_r) { entry in
      if isForNIS(entry.gr_name) { return }
      accounts.groups.append(
        AccountGroup(
          name: String(cString: entry.gr_name), gid: entry.gr_gid,
          members: CStrings(entry.gr_mem).map { String(cString: $0) }))
    }
    accounts.failure = accounts.failure ?? failure
    return accounts
  }

  /// Whether a line is one that asks NIS for accounts: "+", "+NAME", "-NAME".
  ///
  /// The readers give it the id 0 and no home (nsswitch.conf(5), "Compatibility mode"): it must not
  /// become another name for root.
  private static func isForNIS(_ name: UnsafePointer<CChar>) -> Bool {
    "+-".utf8.contains(UInt8(truncatingIfNeeded: name[0]))
  }

  /// fgetpwent_r or fgetgrent_r: the file, an entry to fill in, a buffer for its strings and its size,
  /// and what points to the entry afterwards.
  private typealias Reader<Entry> = (
    UnsafeMutablePointer<FILE>, UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
    UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
  ) -> CInt

  private static func forEach<Entry>(
    in path: String, _ empty: Entry, _ next: Reader<Entry>, _ body: (Entry) -> Void
  ) -> StartFailure? {
    // From memory, because the readers ask for the file's position at each line.
    var bytes: [UInt8]
    switch BoundedFile.read(ByteString(path), limit: limit) {
    case .bytes(let content): bytes = content
    case .absent: return nil
    case .tooLarge:
      return unreadable(
        path, "it has more than \(limit) bytes",
        wayOut: "leave only those in \(path) that the image needs")
    case .unreadable(BoundedFile.notRegular):
      return unreadable(
        path, BoundedFile.notRegular, wayOut: "let \(path) be a regular file, or a link to one")
    case .unreadable(let reason):
      return unreadable(path, reason, wayOut: "chmod 644 \(path) in the image")
    }
    if bytes.isEmpty { return nil }
    // Room for a line as long as the file, and for a pointer to each of its members: the readers that
    // have a buffer of their own read a long line again for each KiB of it.
    let room = 8 * bytes.count + 1024
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: room)
    defer { buffer.deallocate() }
    var (entry, found) = (empty, UnsafeMutablePointer<Entry>?.none)
    bytes.withUnsafeMutableBytes { bytes in
      guard let file = fmemopen(bytes.baseAddress, bytes.count, "r") else { return }
      defer { fclose(file) }
      while next(file, &entry, buffer, room, &found) == 0, let found { body(found.pointee) }
    }
    return nil
  }

  private static func unreadable(
    _ path: String, _ reason: String, wayOut: String
  ) -> StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted,
      what: "users and groups cannot be looked up: \(path) cannot be read by uid \(geteuid())",
      why: reason, waysOut: [wayOut])
  }
}
