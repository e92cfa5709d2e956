import Text
package import Capabilities
package import Plan

extension Plan {
  /// What is granted, in one line for the log; nil for a command that runs unchanged.
  package func summary(_ names: CapabilityNames) -> String? {
    let isDockerStart = command.starts(with: ["kong", "docker-start"])
    guard isDockerStart || grant != .none, let execution = launch.execution else { return nil }
    let who = user.map { "as \($0.description)" } ?? ""
    let granted = CapabilitySet(needs.map { $0.capability }).intersection(result?.permitted ?? [])
    guard !granted.isEmpty else { return "\(execution.path) runs \(who) without capabilities" }
    let how =
      switch grant {
      case .none: "which it has already"
      case .file: "by file capability"
      case .ambient: "as ambient capability"
      }
    let why = needs.filter { granted.contains($0.capability) }.map { $0.summary }
    return "\(execution.path) runs \(who) with \(names.text(of: granted)), \(how), for"
      + " \(why.joined(separator: "; "))"
  }
}
