import CLinux

/// The processors of this machine.
enum Processors {
  /// How many this process may run on (sched_getaffinity(2)); nil where there are more than 8,192.
  static var allowed: Int? {
    var mask = [UInt64](repeating: 0, count: 128)
    guard unsafe sched_getaffinity(0, mask.count * MemoryLayout<UInt64>.size, &mask) == 0 else {
      return nil
    }
    return mask.reduce(0) { $0 + $1.nonzeroBitCount }
  }
}
