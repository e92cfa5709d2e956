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

  /// Calls `body` with a copy that ends with a NUL.
  func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(bytes.map(CChar.init(truncatingIfNeeded:)) + [0])
  }
}
