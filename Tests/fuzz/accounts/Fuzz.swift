import Glibc

/// Any bytes in /etc/passwd and /etc/group: no crash, and every account that is read has a line of
/// its own that says so.
///
/// The oracle is passwd(5) and group(5): the fields of a line are between colons.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAccounts(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  File.shared.write(bytes)
  let accounts = Accounts.read(passwd: File.shared.path, group: File.shared.path)
  precondition(accounts.failure == nil, "the file is there")
  let lines = bytes.split(separator: 0x0a).map { line in
    line.prefix { $0 != 0 }.drop { isLuaBlank($0) }
      .split(separator: 0x3a, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }
  precondition(accounts.users.count <= lines.count && accounts.groups.count <= lines.count)
  precondition(
    (accounts.users.map(\.name) + accounts.groups.map(\.name)).allSatisfy { name in
      name.utf8.first != 0x2b && name.utf8.first != 0x2d
    }, "a line for NIS counts")
  for user in accounts.users {
    precondition(
      lines.contains { $0.first == user.name && $0.count >= 4 }, "\(user.name) is on no line")
  }
  for group in accounts.groups {
    precondition(
      lines.contains { $0.first == group.name && $0.count >= 3 }, "\(group.name) is on no line")
    precondition(group.members.allSatisfy { !$0.contains(",") && !$0.contains("\n") })
  }
  return 0
}

/// One file in memory for all inputs (shm_open(3)).
private struct File {
  static let shared = File()
  private let descriptor: CInt

  init() {
    let name = "/entrypoint-fuzz-\(getpid())"
    descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    precondition(descriptor >= 0 && shm_unlink(name) == 0)
  }

  var path: String { "/proc/self/fd/\(descriptor)" }

  func write(_ bytes: [UInt8]) {
    precondition(ftruncate(descriptor, 0) == 0)
    precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
  }
}
