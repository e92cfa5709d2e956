/// A Linux capability by its number (capabilities(7), linux/capability.h).
///
/// Only those that the planner reasons about have a constant here. Names come from libcap, see
/// ``CapabilityNames``.
package struct Capability: RawRepresentable, Hashable, Comparable, Sendable {
  /// The number, 0...63.
  package let rawValue: UInt8

  /// - Parameter rawValue: nil for a number that no 64-bit set can hold.
  package init?(rawValue: UInt8) {
    guard rawValue < 64 else { return nil }
    self.rawValue = rawValue
  }

  private init(number: UInt8) {
    self.rawValue = number
  }

  /// Give files away: fchown(2) to another owner.
  package static let chown = Capability(number: 0)
  /// Go past the modes of files.
  package static let dacOverride = Capability(number: 1)
  /// Send signals to processes of other users (kill(2)).
  package static let kill = Capability(number: 5)
  /// setgid(2) and setgroups(2).
  package static let setgid = Capability(number: 6)
  /// setuid(2) to any user.
  package static let setuid = Capability(number: 7)
  /// Drop from the bounding set.
  package static let setpcap = Capability(number: 8)
  /// Bind to a port below net.ipv4.ip_unprivileged_port_start (ip(7)).
  package static let netBindService = Capability(number: 10)
  /// Raw sockets, and IP_TRANSPARENT (ip(7)).
  package static let netRaw = Capability(number: 13)
  /// Exceed hard limits of resources (setrlimit(2)).
  package static let sysResource = Capability(number: 24)
  /// Write file capabilities.
  package static let setfcap = Capability(number: 31)

  /// Orders capabilities by number, as every list does.
  package static func < (left: Capability, right: Capability) -> Bool {
    left.rawValue < right.rawValue
  }
}
