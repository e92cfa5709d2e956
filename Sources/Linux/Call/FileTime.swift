import CLinux

/// A moment as file systems note it (inode(7)).
package struct FileTime: Comparable, Sendable {
  let seconds: Int
  let nanoseconds: Int

  init(_ time: timespec) {
    (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec)
  }

  /// Now, as the kernel would note it for a file: at its last tick (clock_gettime(2),
  /// CLOCK_REALTIME_COARSE).
  package init() {
    var time = timespec()
    unsafe clock_gettime(linux_clock_realtime_coarse, &time)
    self.init(time)
  }

  /// Whether one is before another.
  package static func < (left: FileTime, right: FileTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}
