import Capabilities
import Plan

extension RandomStates {
  /// A sequence of steps, each allowed by the kernel after the ones before it.
  ///
  /// Now and then the credentials are read back.
  mutating func steps(from start: Credentials) -> [Step] {
    var state = start
    var steps: [Step] = []
    for _ in 0..<Int.random(in: 1...10, using: &numbers) {
      guard !chance(8) else {
        steps.append(.verify(state))
        continue
      }
      guard let change = possible(state).randomElement(using: &numbers) else { break }
      steps.append(.change(change))
      state = state.after(change)
    }
    return steps
  }

  /// Credentials that allow more steps than most: the needed capabilities are effective.
  mutating func capableCredentials() -> Credentials {
    var state = credentials()
    if !chance(4) {
      let needed = CapabilitySet([Capability.setgid, .setuid, .setpcap])
      state.permitted.formUnion(needed)
      state.effective.formUnion(needed)
    }
    return state
  }

  /// One change of each kind that the kernel allows in this state.
  private mutating func possible(_ state: Credentials) -> [CredentialChange] {
    var changes: [CredentialChange] = [
      .setCapabilities(
        permitted: subset(of: state.permitted), inheritable: subset(of: reachable(state))),
      .clearAmbient, .setNoNewPrivileges,
    ]
    if !state.securebits.contains(.keepCapabilitiesLocked) { changes.append(.keepCapabilities) }
    if !state.securebits.contains(.noAmbientRaise) {
      changes.append(.raiseAmbient(subset(of: state.permitted.intersection(state.inheritable))))
    }
    if state.effective.contains(.setpcap) {
      changes.append(.dropBounding(subset(of: known), keeping: []))
    }
    if state.effective.contains(.setgid) {
      changes.append(.setGroups(groups().shuffled(using: &numbers)))
      changes.append(.setGroup(id()))
    }
    // The rules are about the change of user.
    if state.effective.contains(.setuid) { changes += [.setUser(id()), .setUser(id())] }
    return changes
  }

  /// The capabilities that can become inheritable (capset(2), capabilities(7)).
  private func reachable(_ state: Credentials) -> CapabilitySet {
    let withinBounding = state.inheritable.union(state.bounding)
    if state.effective.contains(.setpcap) { return withinBounding }
    return withinBounding.intersection(state.inheritable.union(state.permitted))
  }

  private mutating func id() -> UInt32 { [0, 1000, 1337].randomElement(using: &numbers) ?? 0 }
}

extension Securebits {
  /// Keep-caps cannot be changed (SECBIT_KEEP_CAPS_LOCKED).
  fileprivate static let keepCapabilitiesLocked = Securebits(rawValue: 1 << 5)
}
