import Nginx
package import Plan
import Text

extension Accounts {
  /// The largest file that is read, in bytes: about 50,000 accounts.
  static let limit = 4 << 20

  /// Reads the accounts.
  ///
  /// A missing file counts as empty, because an image may have none. A file that cannot be read, is not
  /// regular or has more than ``limit`` bytes becomes the accounts' failure.
  package static func read(
    passwd: String = "/etc/passwd", group: String = "/etc/group"
  ) -> Accounts {
    var accounts = Accounts()
    do throws(StartFailure) {
      accounts.users = AccountEntries.users(in: try contents(passwd))
    } catch {
      accounts.failure = error
    }
    do throws(StartFailure) {
      accounts.groups = AccountEntries.groups(in: try contents(group))
    } catch {
      accounts.failure = accounts.failure ?? error
    }
    return accounts
  }

  private static func contents(_ path: String) throws(StartFailure) -> [UInt8] {
    switch BoundedFile.read(ByteString(path), limit: limit) {
    case .bytes(let bytes): return bytes
    case .absent: return []
    case .tooLarge:
      throw unreadable(
        path, "it has more than \(limit) bytes",
        wayOut: "keep only the accounts in \(path) that the image needs")
    case .unreadable(BoundedFile.notRegular):
      throw unreadable(
        path, BoundedFile.notRegular, wayOut: "make \(path) a regular file, or a link to one")
    case .unreadable(let reason):
      throw unreadable(path, reason, wayOut: "chmod 644 \(path) in the image")
    }
  }

  private static func unreadable(
    _ path: String, _ reason: String, wayOut: String
  ) -> StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted,
      what: "users and groups cannot be looked up: \(path) cannot be read by uid"
        + " \(ProcessIdentity.effectiveUser)",
      why: reason, waysOut: [wayOut])
  }
}
