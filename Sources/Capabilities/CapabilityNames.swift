import Text

/// The capabilities that the running kernel knows, with libcap's names for them (cap_to_name(3)).
///
/// The planner has no table of its own: a capability that a later kernel and libcap bring can be
/// asked for without a change here.
package struct CapabilityNames: Equatable, Sendable {
  /// Names such as "cap_net_raw"; the index is the capability's number.
  private let names: [String]

  /// - Parameter names: lower case, sorted by number, without a gap.
  package init(_ names: [String]) {
    self.names = Array(names.prefix(64))
  }

  /// Every capability that the kernel knows.
  package var all: CapabilitySet {
    CapabilitySet((0..<UInt8(names.count)).compactMap(Capability.init(rawValue:)))
  }

  /// The name, or the number where the kernel knows more than libcap.
  package func name(of capability: Capability) -> String {
    let number = Int(capability.rawValue)
    return number < names.count ? names[number] : String(number)
  }

  /// The capability named `name`: "cap_net_raw", "NET_RAW", "net_raw", in any case.
  package func capability(named name: String) -> Capability? {
    let lower = name.lowercasedASCII
    let full = lower.hasPrefix("cap_") ? lower : "cap_" + lower
    return names.firstIndex(of: full).flatMap { Capability(rawValue: UInt8($0)) }
  }

  /// The names of a set, sorted by number.
  package func names(of set: CapabilitySet) -> [String] {
    set.members.map(name(of:))
  }

  /// A set as text: "cap_net_bind_service,cap_net_raw", "none", "all", or "all but cap_syslog".
  package func text(of set: CapabilitySet) -> String {
    if set.isEmpty { return "none" }
    let others = all.subtracting(set)
    if others.isEmpty { return "all" }
    let isMost = others.members.count * 4 < all.members.count
    return isMost ? "all but \(list(of: others))" : list(of: set)
  }

  /// A set as a list with commas: "cap_net_bind_service,cap_net_raw".
  package func list(of set: CapabilitySet) -> String {
    names(of: set).joined(separator: ",")
  }

  /// The set in libcap's text form for a file (cap_from_text(3)): "cap_net_bind_service=ep".
  package func fileText(of set: CapabilitySet) -> String {
    list(of: set) + "=ep"
  }
}
