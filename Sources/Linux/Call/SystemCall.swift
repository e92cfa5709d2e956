import Text
import Glibc
package import SystemPackage

/// A system call or a function of libcap that the kernel refused.
package struct SystemCallFailure: Error, Equatable, Sendable {
  /// What was called, with the object it was called on: "setuid(1337)".
  package var call: String
  /// The kernel's reason (errno(3)).
  package var errno: Errno
  /// What is known of the cause beyond that reason; nil where nothing is.
  package var cause: Cause?

  /// A cause in words, and what can be done about it.
  package struct Cause: Equatable, Sendable {
    /// Why the call failed.
    package var why: String
    /// The ways out, the best first.
    package var waysOut: [String]
  }

  /// Records a failure.
  package init(_ call: String, _ errno: Errno, cause: Cause? = nil) {
    self.call = call
    self.errno = errno
    self.cause = cause
  }

  /// The first instruction of this program could not set the actions of signals, or unblock them.
  package static func settingSignals(errno: Int32) -> SystemCallFailure {
    SystemCallFailure("rt_sigaction or rt_sigprocmask", Errno(rawValue: errno))
  }
}

/// Runs a call that returns -1 and sets errno when it fails, again after EINTR.
///
/// - Parameter name: the call for messages; only evaluated on failure.
@discardableResult
func checked(
  _ name: @autoclosure () -> String, _ call: () -> CInt
) throws(SystemCallFailure) -> CInt {
  while true {
    let result = call()
    if result != -1 { return result }
    let reason = Errno(rawValue: errno)
    if reason != .interrupted { throw SystemCallFailure(name(), reason) }
  }
}

extension ByteString {
  /// The bytes as a path.
  var path: FilePath { withCString { FilePath(platformString: $0) } }

  /// The bytes of a path.
  init(_ path: FilePath) {
    self = path.withPlatformString { ByteString(cString: $0) }
  }

  /// Copies a C string.
  init(cString: UnsafePointer<CChar>) {
    self.init(Array(UnsafeRawBufferPointer(start: cString, count: strlen(cString))))
  }

  /// Calls `body` with the bytes and a terminating NUL.
  func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes.map(CChar.init(truncatingIfNeeded:)) + [0])
  }
}

/// Reads a file of the kernel's to its end; nil where it is not there.
///
/// Any other failure ends a start: to take it for "not there" could grant more than was planned.
func contentsIfPresent(ofKernel path: ByteString) throws(SystemCallFailure) -> [UInt8]? {
  do throws(Errno) {
    return try OpenFile(ofKernel: path).contents()
  } catch {
    if error == .noSuchFileOrDirectory { return nil }
    throw SystemCallFailure("read(\(path))", error)
  }
}

extension FileDescriptor {
  /// Reads to the end of the file, or as many bytes as `limit` says.
  func contents(limit: Int? = nil) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit ?? 4096)
    var length = 0
    while length < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(rawValue, buffer.baseAddress?.advanced(by: length), buffer.count - length)
      }
      if count < 0 {
        let reason = Errno(rawValue: errno)
        if reason == .interrupted { continue }
        throw reason
      }
      if count == 0 { break }
      length += count
      if length == bytes.count, limit == nil { bytes += [UInt8](repeating: 0, count: length) }
    }
    bytes.removeLast(bytes.count - length)
    return bytes
  }
}
