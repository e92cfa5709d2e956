import Text
import CLinux

/// What open(2), pipe(2) or socket(2) gave: it is open as long as this value lives (close(2)).
struct Descriptor: ~Copyable {
  /// For calls in this folder only: what it means ends with this value.
  let number: Int32

  /// Takes over a number that a call has just returned.
  ///
  /// Where a standard stream is closed, the kernel gives its number to the next file, and messages would be
  /// written to that. So such a file gets another number (F_DUPFD_CLOEXEC(2const)).
  init(owning number: Int32) throws(Errno) {
    if number > STDERR_FILENO {
      self.number = number
      return
    }
    defer { close(number) }
    self.number = try retried { linux_duplicate(number, STDERR_FILENO + 1) }
  }

  deinit {
    close(number)
  }

  /// What leads to the same file, by any name (proc_pid_fd(5)).
  var path: ByteString { ByteString("/proc/self/fd/\(number)") }

  /// Reads to the end of the file, or as many bytes as `limit` says (read(2)).
  ///
  /// - Parameter piece: how many bytes to read at first. The result keeps the room for them.
  borrowing func contents(limit: Int = .max, piece: Int = 4096) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    let number = number
    while bytes.count < limit {
      // The pieces grow, so that a large file needs few calls.
      let room = min(limit - bytes.count, max(piece, bytes.count))
      let piece = try unsafe uninitialized(room) { buffer, count throws(Errno) in
        try retried { unsafe read(number, buffer, count) }
      }
      if piece.isEmpty { break }
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
    return bytes
  }

  /// Reads once, what is there, up to a number of bytes; nothing at the end (read(2)).
  borrowing func readOnce(upTo count: Int) throws(Errno) -> [UInt8] {
    let number = number
    return try unsafe uninitialized(count) { buffer, count throws(Errno) in
      try retried { unsafe read(number, buffer, count) }
    }
  }

  /// Writes all of it (write(2)).
  borrowing func write(_ bytes: [UInt8]) throws(Errno) {
    try writeAll(bytes, to: number)
  }

  /// Gives the file to a user and a group (fchownat(2), AT_EMPTY_PATH), a reference's, too.
  ///
  /// - Parameter uid: nil to change nothing; so for `gid`.
  borrowing func give(to uid: UInt32?, group gid: UInt32?) throws(Errno) {
    let number = number
    try retried { unsafe fchownat(number, "", uid ?? .max, gid ?? .max, linux_at_empty_path) }
  }

  /// Waits until there is something to read, or the other end is closed (poll(2)).
  ///
  /// - Returns: whether that was so before the time was over.
  borrowing func isReadable(until deadline: MonotonicTime) throws(Errno) -> Bool {
    var event = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return try retried { unsafe poll(&event, 1, Int32(deadline.remaining)) } > 0
  }
}

/// Which of two descriptors is the first from which something, or the end, can be read (poll(2)); where
/// both are, the one that is asked for.
func isReadable(
  _ descriptor: borrowing Descriptor, before other: borrowing Descriptor
) throws(Errno) -> Bool {
  var events = [descriptor.number, other.number].map {
    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
  }
  try retried { unsafe poll(&events, 2, -1) }
  return events[0].revents != 0
}

/// Bytes that a call has written, of which there were at most `capacity`.
///
/// To fill an array with zeros first costs more than most calls.
func uninitialized(
  _ capacity: Int, _ call: (UnsafeMutableRawPointer, Int) throws(Errno) -> Int
) throws(Errno) -> [UInt8] {
  var failure: Errno?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
    // There is no memory for no bytes.
    guard let first = buffer.baseAddress else { return }
    do throws(Errno) { count = try unsafe call(first, capacity) } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}

/// Writes all of it to a descriptor, or to a standard stream (write(2)).
func writeAll(_ bytes: [UInt8], to number: Int32) throws(Errno) {
  var start = 0
  while start < bytes.count {
    unsafe start += try bytes.withUnsafeBufferPointer { buffer throws(Errno) in
      let rest = unsafe UnsafeBufferPointer(rebasing: buffer[start...])
      return try retried { unsafe write(number, rest.baseAddress, rest.count) }
    }
  }
}

/// Two ends, of which what is written to one can be read from the other (pipe2(2)).
struct Pipe: ~Copyable {
  let readEnd: Descriptor
  let writeEnd: Descriptor

  init() throws(Errno) {
    var ends: [Int32] = [-1, -1]
    try retried { unsafe pipe2(&ends, O_CLOEXEC) }
    let readEnd = try Descriptor(owning: ends[0])
    let writeEnd = try Descriptor(owning: ends[1])
    self.readEnd = readEnd
    self.writeEnd = writeEnd
  }

  /// Closes the other end.
  consuming func keepingReadEnd() -> Descriptor { readEnd }

  /// Closes the other end.
  consuming func keepingWriteEnd() -> Descriptor { writeEnd }

  /// Closes the end to write to, in a child, which has its own copy and never gives up this value (close(2)).
  borrowing func closeWriteEndOfChild() { close(writeEnd.number) }
}
