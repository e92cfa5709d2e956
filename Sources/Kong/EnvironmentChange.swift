package import Text

/// A variable that is set or removed in the environment of a started program.
package struct EnvironmentChange: Equatable, Sendable {
  /// What happens to the variable.
  package enum Value: Equatable, Sendable {
    /// It gets this value, which replaces every older one.
    case text(ByteString)
    /// It gets this value, which is never shown.
    case secret(Secret)
    /// It is removed.
    case removed
  }

  /// The variable.
  package var name: String
  /// What happens to it.
  package var value: Value

  /// A variable and what becomes of it.
  package init(name: String, value: Value) {
    self.name = name
    self.value = value
  }

  /// The change as text: "HOME=/home/kong", "KONG_PG_PASSWORD=<secret>", "without X".
  package var description: String {
    switch value {
    case .text(let text): "\(name)=\(text)"
    case .secret: "\(name)=<secret>"
    case .removed: "without \(name)"
    }
  }
}
