import Plan
import Text
import CLinux

/// Accounts as glibc's own readers of files find them.
///
/// getpwnam(3) would load NSS modules, which a static program must not.
enum AccountEntries {
  /// The users in a file like /etc/passwd (fgetpwent_r(3)).
  static func users(in file: [UInt8]) -> [Account] {
    var users: [Account] = []
    users.reserveCapacity(file.count / usualLine)
    unsafe forEach(in: file, passwd(), fgetpwent_r) { entry in
      if unsafe isForNIS(entry.pw_name) { return }
      unsafe users.append(
        Account(
          name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
          home: ByteString(cString: entry.pw_dir)))
    }
    return users
  }

  /// The groups in a file like /etc/group (fgetgrent_r(3)).
  static func groups(in file: [UInt8]) -> [AccountGroup] {
    var groups: [AccountGroup] = []
    groups.reserveCapacity(file.count / usualLine)
    unsafe forEach(in: file, group(), fgetgrent_r) { entry in
      if unsafe isForNIS(entry.gr_name) { return }
      unsafe groups.append(
        AccountGroup(
          name: String(cString: entry.gr_name), gid: entry.gr_gid,
          members: CStrings(entry.gr_mem).bytes.map { String(decoding: $0.bytes, as: UTF8.self) }))
    }
    return groups
  }

  /// The bytes of a short line; there is room for all accounts at once where none is shorter.
  private static let usualLine = 16

  /// Whether a line is one that asks NIS for accounts: "+", "+NAME", "-NAME".
  ///
  /// The readers give it the id 0 and no home (nsswitch.conf(5), "Compatibility mode"): it must not
  /// become another name for root.
  private static func isForNIS(_ name: UnsafePointer<CChar>) -> Bool {
    let first = unsafe UInt8(truncatingIfNeeded: name[0])
    return first == UInt8(ascii: "+") || first == UInt8(ascii: "-")
  }

  /// fgetpwent_r or fgetgrent_r: the file, an entry to fill in, a buffer for its strings and its size,
  /// and what points to the entry afterwards.
  private typealias Reader<Entry> = (
    UnsafeMutablePointer<FILE>, UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
    UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
  ) -> Int32

  private static func forEach<Entry>(
    in file: [UInt8], _ empty: Entry, _ next: Reader<Entry>, _ body: (Entry) -> Void
  ) {
    if file.isEmpty { return }
    var bytes = file
    // Room for a line as long as the file, and for a pointer to each of its members: the readers that
    // have a buffer of their own read a long line again for each KiB of it.
    let room = 8 * bytes.count + 1024
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: room)
    defer { unsafe buffer.deallocate() }
    var (entry, found) = unsafe (empty, UnsafeMutablePointer<Entry>?.none)
    unsafe bytes.withUnsafeMutableBytes { bytes in
      // From memory, because the readers ask for the file's position at each line.
      guard let file = unsafe fmemopen(bytes.baseAddress, bytes.count, "r") else { return }
      defer { unsafe fclose(file) }
      while unsafe next(file, &entry, buffer, room, &found) == 0, let entry = unsafe found?.pointee
      {
        body(entry)
      }
    }
  }
}
