import Capabilities
import Plan

extension RandomStates {
  /// A sequence of steps, each of which the kernel must allow after the ones before it.
  mutating func steps(from start: Credentials) -> [Step] {
    var state = start
    var steps: [Step] = []
    for _ in 0..<Int.random(in: 1...10, using: &numbers) {
      guard let step = possible(state).randomElement(using: &numbers) else { break }
      steps.append(step)
      state = state.after(step)
    }
    return steps
  }

  /// Credentials that can take more steps than most: with the capabilities for them in effect.
  mutating func capableCredentials() -> Credentials {
    var state = credentials()
    if !chance(4) {
      let needed = CapabilitySet([Capability.setgid, .setuid, .setpcap])
      state.permitted.formUnion(needed)
      state.effective.formUnion(needed)
    }
    return state
  }

  /// One step of each kind that the kernel allows now.
  private mutating func possible(_ state: Credentials) -> [Step] {
    var steps: [Step] = [
      .setCapabilities(
        permitted: subset(of: state.permitted), inheritable: subset(of: reachable(state))),
      .clearAmbient, .setNoNewPrivileges, .verify(state),
    ]
    if !state.securebits.contains(.keepCapabilitiesLocked) { steps.append(.keepCapabilities) }
    if !state.securebits.contains(.noAmbientRaise) {
      steps.append(.raiseAmbient(subset(of: state.permitted.intersection(state.inheritable))))
    }
    if state.effective.contains(.setpcap) {
      steps.append(.dropBounding(subset(of: known), keeping: []))
    }
    if state.effective.contains(.setgid) {
      steps.append(.setGroups(groups().shuffled(using: &numbers)))
      steps.append(.setGroup(id()))
    }
    // The change of user is what the rules are about.
    if state.effective.contains(.setuid) { steps += [.setUser(id()), .setUser(id())] }
    return steps
  }

  /// What can become inheritable (capset(2), capabilities(7)).
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
