import Text
import CLinux

/// The descriptors that this process has open, and would hand on to what it execs.
enum OpenDescriptors {
  /// Closes all above standard error, but those to keep (close_range(2)).
  ///
  /// A kernel before 5.9 does not have the call, and an old seccomp profile refuses it; then /proc/self/fd
  /// names them.
  static func close(keeping kept: [Int32]) throws(SystemCallFailure) {
    var first: UInt32 = 3
    do throws(SystemCallFailure) {
      for descriptor in kept.sorted() {
        let next = UInt32(descriptor)
        if next > first { try close(from: first, through: next - 1) }
        first = max(first, next + 1)
      }
      try close(from: first, through: .max)
    } catch {
      guard closeByName(keeping: kept) else { throw error }
    }
  }

  private static func close(
    from first: UInt32, through last: UInt32
  ) throws(SystemCallFailure) {
    try checked("close_range(\(first), \(last))") { close_range(first, last, 0) }
  }

  /// Whether /proc has named them, and they are closed.
  private static func closeByName(keeping kept: [Int32]) -> Bool {
    var numbers: [Int32] = []
    do throws(Errno) {
      let directory = try Directory.open("/proc/self/fd")
      let own = directory.descriptor.number
      try directory.forEachEntry { entry in
        guard let number = entry.name.text.flatMap({ Int32($0) }) else { return }
        if number > 2, number != own, !kept.contains(number) { numbers.append(number) }
      }
    } catch {
      return false
    }
    // One that is closed already, or that fails to write what it held back, is gone, too (close(2)).
    for number in numbers { CLinux.close(number) }
    return true
  }
}
