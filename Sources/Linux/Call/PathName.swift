import Text

/// A path or a name of a file, for a call that takes a C string.
protocol PathName: ~Copyable {
  /// Calls `body` with the bytes and a terminating NUL, which live as long as the call.
  borrowing func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

extension ByteString: PathName {
  /// Copies a C string.
  init(cString: UnsafePointer<CChar>) {
    var length = 0
    while unsafe cString[length] != 0 { length += 1 }
    unsafe self.init(Array(UnsafeRawBufferPointer(start: cString, count: length)))
  }

  /// Calls `body` with a copy that ends with a NUL; on the stack, where it fits.
  func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let count = bytes.count
    return try unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) {
      buffer throws(Failure) in
      for index in 0..<count { unsafe buffer[index] = CChar(bitPattern: bytes[index]) }
      unsafe buffer[count] = 0
      // There is memory, as there is a NUL.
      guard let first = buffer.baseAddress else { preconditionFailure() }
      return try unsafe body(first)
    }
  }
}
