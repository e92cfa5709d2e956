/// How a container engine is told to give a container more capabilities.
package enum EngineFlags {
  /// The ways to a container that has these, too.
  static func adding(_ names: [String]) -> [String] {
    [
      "docker run " + names.map { "--cap-add \($0)" }.joined(separator: " "),
      "Kubernetes: securityContext.capabilities.add: ["
        + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]",
    ]
  }

  /// A capability as docker and Kubernetes write it: "NET_RAW".
  package static func name(_ name: String) -> String {
    (name.hasPrefix("cap_") ? String(name.dropFirst(4)) : name).uppercased()
  }
}
