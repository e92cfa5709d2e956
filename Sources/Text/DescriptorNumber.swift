/// The number of a descriptor that whoever started this process has opened: a standard stream, or a socket
/// that NGINX names.
///
/// What this process opens itself has an owner in Sources/Linux/Call, and no number outside of it.
package struct DescriptorNumber: Equatable, Sendable, ExpressibleByIntegerLiteral {
  /// As system calls take it.
  package let value: Int32

  /// The descriptor with a number.
  package init(_ value: Int32) {
    self.value = value
  }

  /// The descriptor with a number that is known beforehand.
  package init(integerLiteral value: Int32) {
    self.value = value
  }
}
