import Plan
import Text

extension ControlGroup {
  /// The limits of this process's control group and of those above it; what cannot be read is none.
  ///
  /// - Parameters:
  ///   - root: a prefix for /proc and /sys, for tests.
  ///   - read: reads the limit in a directory of a hierarchy of this version.
  static func limits<Limit>(
    _ controller: Controller, root: ByteString,
    _ read: (_ directory: ByteString, _ version: Int) -> Limit?
  ) -> [Limit] {
    guard let bytes = contents(root + "/proc/self/cgroup", limit: 1 << 16),
      let group = ControlGroup(bytes, of: controller)
    else { return [] }
    return group.directories.compactMap { read(root + $0, group.version) }
  }

  /// The contents of a file of the kernel; nil if it cannot be read.
  static func contents(_ path: ByteString, limit: Int = 64) -> [UInt8]? {
    try? OpenFile(ofKernel: path).contents(limit: limit)
  }
}
