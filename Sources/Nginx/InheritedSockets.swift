package import Text

/// The listening sockets that nginx inherits from the program that starts it: NGINX="6;7;".
///
/// nginx hands them to its next version in the same way.
package enum InheritedSockets {
  /// The variable that names them.
  package static let variable = "NGINX"

  /// How many of them count; the limit is ours.
  private static let maximum = 1024

  /// The descriptors that a value names, from 3 on, each once: numbers that end with ";" or ":".
  ///
  /// Like nginx, it stops at the first that is not a number.
  package static func descriptors(_ value: ByteString) -> [DescriptorNumber] {
    var descriptors: [DescriptorNumber] = []
    var number: Int32?
    for byte in value.bytes {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let (tens, isTooLarge) = (number ?? 0).multipliedReportingOverflow(by: 10)
        let (sum, isLarger) = tens.addingReportingOverflow(Int32(byte - UInt8(ascii: "0")))
        if isTooLarge || isLarger { return descriptors }
        number = sum
      case UInt8(ascii: ";"), UInt8(ascii: ":"):
        guard let named = number, descriptors.count < maximum else { return descriptors }
        let descriptor = DescriptorNumber(named)
        if named > 2, !descriptors.contains(descriptor) { descriptors.append(descriptor) }
        number = nil
      default: return descriptors
      }
    }
    return descriptors
  }
}
