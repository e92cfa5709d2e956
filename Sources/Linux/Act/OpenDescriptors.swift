import CLinux
import Glibc
import SystemPackage

/// The descriptors that this process has open, and would hand on to what it execs.
enum OpenDescriptors {
  /// Closes all above standard error, but those to keep (close_range(2)).
  ///
  /// A kernel before 5.9 does not have the call, and an old seccomp profile refuses it; then /proc/self/fd
  /// names them.
  static func close(keeping kept: [CInt]) throws(SystemCallFailure) {
    var first: CUnsignedInt = 3
    do throws(SystemCallFailure) {
      for descriptor in kept.sorted() {
        let next = CUnsignedInt(descriptor)
        if next > first { try close(from: first, through: next - 1) }
        first = max(first, next + 1)
      }
      try close(from: first, through: .max)
    } catch {
      guard closeByName(keeping: kept) else { throw error }
    }
  }

  private static func close(
    from first: CUnsignedInt, through last: CUnsignedInt
  ) throws(SystemCallFailure) {
    try checked("close_range(\(first), \(last))") { close_range(first, last, 0) }
  }

  /// Whether /proc has named them, and they are closed.
  private static func closeByName(keeping kept: [CInt]) -> Bool {
    var descriptors: [CInt] = []
    do throws(Errno) {
      let directory = try Directory.open("/proc/self/fd")
      try directory.forEachEntry { name, _ in
        let number = CInt(atoi(name))
        if number > 2, number != directory.descriptor, !kept.contains(number) {
          descriptors.append(number)
        }
      }
    } catch {
      return false
    }
    // One that is closed already, or that fails to write what it held back, is gone, too (close(2)).
    for descriptor in descriptors { Glibc.close(descriptor) }
    return true
  }
}
