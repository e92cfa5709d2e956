package import Text

/// A variable that a started program gets with a value of ours, or does not get.
package struct EnvironmentChange: Equatable, Sendable {
  /// What becomes of a variable.
  package enum Value: Equatable, Sendable {
    /// It has this value; the change replaces every older one.
    case text(ByteString)
    /// It has this value, which is not to be shown.
    case secret(Secret)
    /// It is not there.
    case removed
  }

  /// The variable.
  package var name: String
  /// What becomes of it.
  package var value: Value

  /// A variable and what becomes of it.
  package init(name: String, value: Value) {
    self.name = name
    self.value = value
  }

  /// The change for people: "HOME=/home/kong", "KONG_PG_PASSWORD=<secret>", "without X".
  package var description: String {
    switch value {
    case .text(let text): "\(name)=\(text)"
    case .secret: "\(name)=<secret>"
    case .removed: "without \(name)"
    }
  }
}
