package import Text

/// How much is said on standard error.
package enum LogLevel: String, Choice, Comparable, Sendable {
  /// Only why a start failed.
  case error
  /// What will not be as asked, too.
  case warn
  /// What was granted, too.
  case info
  /// Each step, too.
  case debug

  private var rank: Int {
    switch self {
    case .error: 0
    case .warn: 1
    case .info: 2
    case .debug: 3
    }
  }

  /// Orders levels from the most severe to the most talkative.
  package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// How a message is written.
package enum LogFormat: String, Choice, Sendable {
  /// Lines for people, each beginning with "entrypoint: LEVEL: ".
  case text
  /// One JSON object (RFC 8259) on a line.
  case json

  /// A message with its newline.
  package func text(_ level: LogLevel, _ explanation: Explanation) -> String {
    switch self {
    case .text:
      var parts = [explanation.what]
      if !explanation.why.isEmpty { parts.append("  why: \(explanation.why)") }
      parts += explanation.waysOut.map { "  way out: \($0)" }
      return parts.map { "entrypoint: \(level.rawValue): \($0)\n" }.joined()
    case .json:
      return JSON.object([
        "program": .string("entrypoint"), "level": .string(level.rawValue),
        "what": .string(explanation.what),
        "why": explanation.why.isEmpty ? nil : .string(explanation.why),
        "ways_out": explanation.waysOut.isEmpty ? nil : .strings(explanation.waysOut),
      ]).line + "\n"
    }
  }
}
