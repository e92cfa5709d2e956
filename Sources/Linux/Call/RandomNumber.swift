import CLinux

/// Random numbers of the kernel's.
enum RandomNumber {
  /// Two random bytes (getrandom(2)).
  static func next() throws(Errno) -> UInt16 {
    let bytes = try unsafe uninitialized(2) { buffer, count throws(Errno) in
      try retried { unsafe getrandom(buffer, count, 0) }
    }
    return bytes.reduce(0) { $0 << 8 | UInt16($1) }
  }
}
