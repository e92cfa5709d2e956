import Capabilities
import Plan
import Preflight
import Text

/// The processes that have sockets, as far as this process may look into them.
enum SocketOwners {
  /// A socket, by the number of its file, and a process that has it.
  typealias Owner = (inode: UInt64, process: PortHolder.Process)

  /// How many processes, and how many descriptors of each, are looked at.
  static let limit = 4096
  /// In milliseconds.
  private static let patience = 200

  /// Looks first with this process's rights, then with those of a user, whose processes root without
  /// cap_sys_ptrace may not look into (ptrace(2), "Ptrace access mode checking").
  static func find(_ inodes: [UInt64], as user: TargetUser, own: Credentials) -> [Owner] {
    guard !inodes.isEmpty else { return [] }
    let owners = search(inodes)
    guard owners.count < inodes.count, user.uid != own.user.effective,
      FileSystemUser.canAct(as: user, own: own)
    else { return owners }
    do throws(SystemCallFailure) {
      return owners + (try FileSystemUser.acting(as: user, own: own) { search(inodes) })
    } catch {
      // The ids may be mixed; then nothing may go on as this user (FileSystemUser).
      RunningProcess.exit(ExitStatus.notPermitted)
    }
  }

  /// The numbers of the sockets that a process has; nil if it may not be looked into.
  static func sockets(of process: Int32) -> [UInt64]? {
    var inodes: [UInt64] = []
    let path = ByteString("/proc/\(process)/fd")
    do throws(Errno) {
      var (count, targets) = (0, 0)
      try Directory.open(path).forEachEntryWhile { entry in
        count += 1
        guard let target = readLink(path + "/" + entry.name) else { return count < limit }
        targets += 1
        if let inode = inode(target) { inodes.append(inode) }
        return count < limit
      }
      // The directory is readable for the process's user, but its links only for one who has each of the
      // process's capabilities.
      return targets > 0 ? inodes : nil
    } catch {
      return nil
    }
  }

  /// Looks with the rights that this process has now.
  static func search(_ inodes: [UInt64]) -> [Owner] {
    let deadline = MonotonicTime.now + patience
    var (owners, count): ([Owner], Int) = ([], 0)
    do throws(Errno) {
      try Directory.open("/proc").forEachEntryWhile { entry in
        guard let number = entry.name.text.flatMap({ Int32($0) }) else { return true }
        count += 1
        for inode in sockets(of: number) ?? [] where inodes.contains(inode) {
          guard !owners.contains(where: { $0.inode == inode }) else { continue }
          owners.append((inode, PortHolder.Process(number: Int(number), name: name(of: number))))
        }
        return owners.count < inodes.count && count < limit && deadline.remaining > 0
      }
    } catch {
      return owners
    }
    return owners
  }

  /// "socket:[4711]" (proc_pid_fd(5)).
  private static func inode(_ target: ByteString) -> UInt64? {
    guard target.bytes.begins(with: "socket:["), target.bytes.last == UInt8(ascii: "]") else {
      return nil
    }
    return UInt64(String(decoding: target.bytes.dropFirst(8).dropLast(), as: UTF8.self))
  }

  private static func name(of process: Int32) -> String {
    do throws(Errno) {
      let file = try OpenFile(ofKernel: ByteString("/proc/\(process)/comm"))
      let line = try file.contents(limit: 64).prefix { $0 != UInt8(ascii: "\n") }
      return ByteString(Array(line)).description
    } catch {
      return "?"
    }
  }
}
