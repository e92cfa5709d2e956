import Glibc
import Testing

/// Mounts of the calling thread's own, for a test in a process of its own (mount_namespaces(7)).
enum PrivateMounts {
  /// Leaves the mount namespace of everybody else.
  static func begin() throws {
    // unshare(2) and CLONE_NEWNS, for _GNU_SOURCE only.
    let symbol = try #require(dlsym(nil, "unshare"))
    let unshare = unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
    try #require(unshare(0x20000) == 0)
    try #require(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0)
  }

  /// Mounts a directory at another place, or at its own.
  static func bind(_ source: String, on path: String) throws {
    try #require(mount(source, path, nil, UInt(MS_BIND), nil) == 0)
  }

  /// Makes a mount read-only.
  static func makeReadOnly(_ path: String) throws {
    try #require(mount("none", path, nil, UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0)
  }
}
