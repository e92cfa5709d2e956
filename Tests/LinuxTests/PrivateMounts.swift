import Glibc
import Testing

/// Mounts of the calling thread's own, for a test in a separate process (mount_namespaces(7)).
enum PrivateMounts {
  /// Leaves the mount namespace that everybody else has.
  static func begin() throws {
    // unshare(2) and CLONE_NEWNS, which need _GNU_SOURCE.
    let symbol = try #require(dlsym(nil, "unshare"))
    let unshare = unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
    try #require(unshare(0x20000) == 0)
    try #require(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0)
  }

  /// Mounts a directory at another path, or at its own.
  static func bind(_ source: String, on path: String) throws {
    try #require(mount(source, path, nil, UInt(MS_BIND), nil) == 0)
  }

  /// Makes a mount read-only.
  static func makeReadOnly(_ path: String) throws {
    try #require(mount("none", path, nil, UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0)
  }
}
