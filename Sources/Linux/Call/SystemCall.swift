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

  /// Records a call that failed before the program itself began (Sources/Start).
  package init(firstInstruction call: String, errno: Int32) {
    self.init(call, Errno(rawValue: errno))
  }
}

/// Makes a call that returns -1 and sets errno when it fails; makes it again after EINTR.
@discardableResult
func retried<Number: SignedInteger>(_ call: () -> Number) throws(Errno) -> Number {
  while true {
    let result = call()
    if result != -1 { return result }
    let reason = Errno.last
    if reason != .interrupted { throw reason }
  }
}

/// Makes a call as ``retried(_:)`` does.
///
/// - Parameter name: the call for messages; only evaluated on failure.
@discardableResult
func checked(
  _ name: @autoclosure () -> String, _ call: () -> Int32
) throws(SystemCallFailure) -> Int32 {
  do throws(Errno) { return try retried(call) } catch { throw SystemCallFailure(name(), error) }
}
