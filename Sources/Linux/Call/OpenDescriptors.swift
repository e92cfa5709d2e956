import Text
import CLinux

/// The open descriptors, which an exec would pass on.
enum OpenDescriptors {
  /// Closes all above standard error except those to keep (close_range(2)).
  ///
  /// Kernels before 5.9 do not have the call, and old seccomp profiles refuse it; then /proc/self/fd lists
  /// them.
  static func close(keeping kept: [DescriptorNumber]) throws(SystemCallFailure) {
    var first: UInt32 = 3
    do throws(SystemCallFailure) {
      for descriptor in kept.map({ $0.value }).sorted() {
        let next = UInt32(descriptor)
        if next > first { try close(from: first, through: next - 1) }
        first = max(first, next + 1)
      }
      try close(from: first, through: .max)
    } catch {
      guard closeByName(keeping: kept) else { throw error }
    }
  }

  /// Closes all above standard error except these two.
  static func close(
    keeping first: borrowing Descriptor, _ second: borrowing Descriptor
  ) throws(SystemCallFailure) {
    try close(keeping: [DescriptorNumber(first.number), DescriptorNumber(second.number)])
  }

  private static func close(
    from first: UInt32, through last: UInt32
  ) throws(SystemCallFailure) {
    try checked("close_range(\(first), \(last))") { close_range(first, last, 0) }
  }

  /// Closes those that /proc lists; returns whether it listed them.
  private static func closeByName(keeping kept: [DescriptorNumber]) -> Bool {
    var numbers: [Int32] = []
    do throws(Errno) {
      let directory = try Directory.open("/proc/self/fd")
      let own = directory.descriptor.number
      try directory.forEachEntry { entry in
        guard let number = entry.name.text.flatMap({ Int32($0) }) else { return }
        if number > 2, number != own, !kept.contains(DescriptorNumber(number)) {
          numbers.append(number)
        }
      }
    } catch {
      return false
    }
    // A descriptor is closed even if close(2) fails.
    for number in numbers { CLinux.close(number) }
    return true
  }
}
