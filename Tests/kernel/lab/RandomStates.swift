import Capabilities

/// Random credentials and files over all capabilities.
struct RandomStates {
  /// What root has here and what the kernel knows.
  ///
  /// A file can carry more than any thread has.
  var held: CapabilitySet
  var known: CapabilitySet
  var numbers: SeededGenerator

  /// Credentials that the kernel allows.
  mutating func credentials() -> Credentials {
    let permitted = subset(of: held)
    let inheritable = subset(of: held)
    return Credentials(
      user: ids([0, 0, 1000, 1337]), group: ids([0, 1000, 1337]), groups: groups(),
      permitted: permitted, effective: subset(of: permitted), inheritable: inheritable,
      ambient: subset(of: permitted.intersection(inheritable)), bounding: subset(of: held),
      noNewPrivileges: chance(3), securebits: securebits())
  }

  /// A file that the thread can exec more often than pure chance would allow.
  mutating func program(for state: Credentials) -> Program {
    guard !chance(4) else { return Program(isOnNosuidMount: chance(4)) }
    let inheritable = subset(of: known)
    let reachable = state.bounding.union(state.inheritable.intersection(inheritable))
    let permitted = subset(of: chance(4) ? known : reachable)
    let attribute = FileCapabilities(
      permitted: permitted, inheritable: inheritable, effective: chance(2),
      rootID: [nil, nil, nil, nil, 0, 100_000].randomElement(using: &numbers) ?? nil)
    return Program(attribute: attribute, isOnNosuidMount: chance(8))
  }

  /// True once in `times`, on average.
  mutating func chance(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &numbers) == 0 }

  /// Nothing, all, one, a quarter or half of the set.
  mutating func subset(of set: CapabilitySet) -> CapabilitySet {
    let half = CapabilitySet(rawValue: numbers.next()).intersection(set)
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0: return []
    case 1: return set
    case 2: return set.members.randomElement(using: &numbers).map { CapabilitySet($0) } ?? []
    case 3: return half.intersection(CapabilitySet(rawValue: numbers.next()))
    default: return half
    }
  }

  /// Up to four supplementary groups.
  mutating func groups() -> [UInt32] {
    (0..<Int.random(in: 0...4, using: &numbers)).map { _ in
      UInt32.random(in: 0...9, using: &numbers)
    }.sorted()
  }

  private mutating func ids(_ choices: [UInt32]) -> ProcessIDs {
    let any = { (numbers: inout SeededGenerator) in choices.randomElement(using: &numbers) ?? 0 }
    let real = any(&numbers)
    let effective = chance(3) ? any(&numbers) : real
    return ProcessIDs(
      real: real, effective: effective, saved: chance(3) ? any(&numbers) : effective)
  }

  /// Bits 0 to 7: each flag and its lock (linux/securebits.h).
  private mutating func securebits() -> Securebits {
    guard !chance(3) else { return [] }
    return Securebits(
      rawValue: UInt32(truncatingIfNeeded: numbers.next() & numbers.next()) & 0xff)
  }
}
