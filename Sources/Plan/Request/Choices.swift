package import Kong
package import Text

/// The values of a switch.
package enum OnOff: String, Choice, Sendable {
  case on
  case off
}

extension Environment {
  /// The value of a variable with few possible ones; nil where it is unset or empty.
  ///
  /// - Throws: ``StartFailure`` for a value that is none of them.
  package func choice<Value: Choice>(_ name: String) throws(StartFailure) -> Value? {
    guard let value = nonEmpty(name) else { return nil }
    if let choice = Value(named: value) { return choice }
    throw StartFailure(
      status: ExitStatus.configuration,
      what: "\(name) is \"\(value)\"",
      why: Value.rule,
      waysOut: ["set it to one of these", "unset it for the default"]
    )
  }
}
