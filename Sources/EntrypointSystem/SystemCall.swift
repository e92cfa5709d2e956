import EntrypointPlan
import Glibc
import SystemPackage

/// A system call or a function of libcap that the kernel refused.
public struct SystemCallFailure: Error, Equatable, Sendable {
  /// What was called, with the object it was called on: "setresuid(1337)".
  public var call: String
  /// The kernel's reason (errno(3)).
  public var errno: Errno

  /// Records a failure.
  public init(_ call: String, _ errno: Errno) {
    self.call = call
    self.errno = errno
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
  func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    try (bytes.map(CChar.init(bitPattern:)) + [0]).withUnsafeBufferPointer { buffer in
      // The array is never empty, so it has a base address.
      guard let base = buffer.baseAddress else { preconditionFailure() }
      return try body(base)
    }
  }
}

/// Reads a small file as `contents(of:)` does; nil where it is not there.
///
/// Any other failure ends a start: to take it for "not there" could grant more than was planned.
func contentsIfPresent(of path: FilePath) throws(SystemCallFailure) -> [UInt8]? {
  do {
    return try contents(of: path)
  } catch {
    let reason = error as? Errno ?? .ioError
    if reason == .noSuchFileOrDirectory { return nil }
    throw SystemCallFailure("read(\(path))", reason)
  }
}

/// Reads a small file of the kernel's or of /etc to its end.
///
/// - Throws: `Errno`.
func contents(of path: FilePath) throws -> [UInt8] {
  let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
  defer { try? descriptor.close() }
  var bytes = [UInt8](repeating: 0, count: 4096)
  var length = 0
  while true {
    let count = try bytes.withUnsafeMutableBytes { buffer in
      try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[length...]))
    }
    length += count
    if count == 0 { break }
    if length == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
  }
  bytes.removeLast(bytes.count - length)
  return bytes
}
