import CLinux
import EntrypointPlan
import Glibc
import SystemPackage

extension Accounts {
  /// Reads accounts with glibc's own file readers, fgetpwent(3) and fgetgrent(3).
  ///
  /// getpwnam(3) would load NSS modules, which a static program must not. A file that is not there
  /// counts as empty, as an image may have none; one that cannot be read is the accounts' failure.
  public static func read(
    passwd: String = "/etc/passwd", group: String = "/etc/group"
  ) -> Accounts {
    var accounts = Accounts()
    accounts.failure = forEach(in: passwd, fgetpwent) { entry in
      if isForNIS(entry.pw_name) { return }
      accounts.users.append(
        Account(
          name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
          home: ByteString(cString: entry.pw_dir)))
    }
    let failure = forEach(in: group, fgetgrent) { entry in
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

  private static func forEach<Entry>(
    in path: String, _ next: (UnsafeMutablePointer<FILE>) -> UnsafeMutablePointer<Entry>?,
    _ body: (Entry) -> Void
  ) -> StartFailure? {
    // From memory, because the readers ask for the file's position at each line.
    var bytes: [UInt8]
    do { bytes = try contentsIfPresent(of: FilePath(path)) ?? [] } catch {
      return unreadable(path, error.errno)
    }
    if bytes.isEmpty { return nil }
    bytes.withUnsafeMutableBytes { buffer in
      guard let file = fmemopen(buffer.baseAddress, buffer.count, "r") else { return }
      defer { fclose(file) }
      while let entry = next(file) { body(entry.pointee) }
    }
    return nil
  }

  private static func unreadable(_ path: String, _ reason: Errno) -> StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted,
      what: "users and groups cannot be looked up: \(path) cannot be read by uid \(geteuid())",
      why: "\(reason)", waysOut: ["chmod 644 \(path) in the image"])
  }
}
