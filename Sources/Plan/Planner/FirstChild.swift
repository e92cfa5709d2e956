extension [Step] {
  /// The steps with one more that the first child carries out, right before its exec: what must be
  /// done in the prefix as its user, before any program of the prepare phase runs.
  func withFirstChild(doing act: Step) -> [Step] {
    var steps = self
    for (index, step) in enumerated() {
      guard case .run(let child, let endsOrphans) = step, let exec = child.last else { continue }
      steps[index] = .run(child.dropLast() + [act, exec], endsOrphans: endsOrphans)
      break
    }
    return steps
  }
}
