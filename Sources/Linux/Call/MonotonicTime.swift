import CLinux

/// A moment on CLOCK_MONOTONIC, in milliseconds (clock_gettime(2)).
///
/// Swift's own clocks come with its concurrency library.
struct MonotonicTime {
  /// From a moment that is the same for all processes, and means nothing.
  let milliseconds: Int

  static var now: MonotonicTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
  }

  static func + (time: MonotonicTime, milliseconds: Int) -> MonotonicTime {
    MonotonicTime(milliseconds: time.milliseconds + milliseconds)
  }

  /// Milliseconds until then; 0 when it is past.
  var remaining: Int { max(0, milliseconds - MonotonicTime.now.milliseconds) }

  /// Does nothing for a millisecond, or until a signal's handler has run (poll(2)).
  static func pause() { poll(nil, 0, 1) }

  /// Does nothing for a time, or until a signal's handler has run (poll(2)).
  static func pause(milliseconds: Int) { poll(nil, 0, Int32(milliseconds)) }
}

extension timespec {
  init(milliseconds: Int) {
    self.init(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
  }
}
