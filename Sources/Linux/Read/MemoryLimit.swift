import Plan
import Text

extension MemoryLimit {
  /// The smallest limit among the control groups of this process; nil without one.
  ///
  /// - Parameter root: a prefix for /proc and /sys, for tests.
  static func read(root: ByteString = "") -> MemoryLimit? {
    ControlGroup.limits(.memory, root: root) { directory, version in
      ControlGroup.contents(directory + (version == 2 ? "/memory.max" : "/memory.limit_in_bytes"))
        .flatMap { MemoryLimit($0) }
    }
    .min { $0.bytes < $1.bytes }
  }
}
