package import Plan
package import Preflight
package import Text

/// The forms in which `--check` prints.
package enum CheckFormat: String, Choice, Sendable {
  case text
  case json
}

/// What the checks of a start have found, as `--check` prints it.
package struct CheckReport: Sendable {
  private let command: [ByteString]
  private let user: TargetUser?
  private let failure: StartFailure?
  private let findings: [Finding]

  /// Puts findings into words.
  package init(_ plan: Plan, _ findings: [Finding]) {
    (command, user, failure) = (plan.command, plan.user, plan.failure)
    self.findings = findings
  }

  /// 0, the status of a plan that cannot succeed, or 78 if a check has found a certain failure.
  package var status: Int32 {
    if let failure { return failure.status }
    return findings.contains { $0.failure != nil } ? ExitStatus.configuration : 0
  }

  // MARK: for people

  /// A line for each finding, and why and ways out below those that are not good.
  ///
  /// - Parameter isColored: use SGR colours (ECMA-48), for a terminal.
  package func text(isColored: Bool) -> String {
    let command = command.map { $0.description }.joined(separator: " ")
    let who = user.map { " as \($0.description)" } ?? ""
    var lines = ["Checks for `\(command)`\(who)"]
    lines += planLines(isColored)
    let width = findings.map { $0.name.rawValue.utf8.count }.max() ?? 0
    for finding in findings {
      var name = finding.name.rawValue
      if !finding.subject.isEmpty {
        name = "\(CheckReport.padded(name, to: width))  \(finding.subject)"
      }
      let verdict = finding.verdict
      let head = "\(verdict.colored(isColored))  \(name)"
      switch verdict {
      case .passed: lines.append(head)
      case .skipped(let reason): lines.append("\(head): \(reason)")
      case .warning(let explanation), .failed(let explanation):
        lines += ["\(head): \(explanation.what)"] + CheckReport.details(explanation)
      }
    }
    if findings.isEmpty, failure == nil { lines.append("no check was made: ENTRYPOINT_CHECKS") }
    return lines.joined(separator: "\n") + "\n"
  }

  private func planLines(_ isColored: Bool) -> [String] {
    guard let failure else { return [] }
    let said = failure.explanation ?? Explanation(what: "", why: "", waysOut: [])
    let verdict = Finding.Verdict.failed(said).colored(isColored)
    return [
      "\(verdict)  plan  this start cannot succeed, exit status \(failure.status): \(said.what)"
    ] + CheckReport.details(said)
  }

  private static func details(_ explanation: Explanation) -> [String] {
    ["  why: \(explanation.why)"] + explanation.waysOut.map { "  way out: \($0)" }
  }

  fileprivate static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
  }

  // MARK: for programs

  /// The report as docker/check.schema.json describes it.
  ///
  /// Keys may be added in later versions, not changed.
  package var json: JSON {
    .object([
      "command": .strings(command.map { $0.description }),
      "user": user.map {
        .object([
          "name": $0.name.map { .string($0) }, "uid": .number(Int($0.uid)),
          "gid": .number(Int($0.gid)),
        ])
      },
      "exit_status": .number(Int(status)),
      "plan": .object([
        "possible": .bool(failure == nil),
        "error": failure?.explanation.map { $0.json },
      ]),
      "checks": .array(findings.map { $0.json }),
    ])
  }
}

extension Finding.Verdict {
  fileprivate var word: String {
    switch self {
    case .passed: "passed"
    case .warning: "warning"
    case .failed: "failed"
    case .skipped: "skipped"
    }
  }

  /// The word, as wide as the longest.
  fileprivate func colored(_ isColored: Bool) -> String {
    let text = CheckReport.padded(word, to: 7)
    let color =
      switch self {
      case .passed: "32"
      case .warning: "33"
      case .failed: "31"
      case .skipped: "2"
      }
    return isColored ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text
  }
}

extension Finding {
  fileprivate var json: JSON {
    var reason: String?
    var explanation: Explanation?
    switch verdict {
    case .passed: break
    case .skipped(let phrase): reason = phrase
    case .warning(let said), .failed(let said): explanation = said
    }
    return .object([
      "check": .string(name.rawValue),
      "subject": subject.isEmpty ? nil : .string(subject),
      "verdict": .string(verdict.word),
      "reason": reason.map { .string($0) },
      "what": explanation.map { .string($0.what) },
      "why": explanation.map { .string($0.why) },
      "ways_out": explanation.map { .strings($0.waysOut) },
    ])
  }
}

extension Explanation {
  /// The explanation as reports have it.
  var json: JSON {
    .object([
      "what": .string(what),
      "why": .string(why),
      "ways_out": .strings(waysOut),
    ])
  }
}
