/// A set of capabilities, in the kernel's own form: bit N stands for capability number N.
package struct CapabilitySet: OptionSet, Hashable, Sendable {
  /// The bits.
  package let rawValue: UInt64

  /// Creates a set from the kernel's bits.
  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The set of one.
  package init(_ capability: Capability) {
    self.rawValue = 1 << UInt64(capability.rawValue)
  }

  /// The set of these.
  package init(_ capabilities: [Capability]) {
    var bits: UInt64 = 0
    for capability in capabilities { bits |= 1 << UInt64(capability.rawValue) }
    self.rawValue = bits
  }

  /// Whether the capability is a member.
  package func contains(_ capability: Capability) -> Bool {
    rawValue & (1 << UInt64(capability.rawValue)) != 0
  }

  /// The members, sorted by number.
  package var members: [Capability] {
    var members: [Capability] = []
    members.reserveCapacity(rawValue.nonzeroBitCount)
    var rest = rawValue
    while rest != 0, let lowest = Capability(rawValue: UInt8(rest.trailingZeroBitCount)) {
      members.append(lowest)
      rest &= rest - 1
    }
    return members
  }
}
