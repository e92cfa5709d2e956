package import Plan
package import Text

/// What a check has found about one subject.
package struct Finding: Equatable, Sendable {
  /// What came of it.
  package enum Verdict: Equatable, Sendable {
    /// Nothing is wrong.
    case passed
    /// Something is probably wrong, or will be.
    case warning(Explanation)
    /// Kong certainly fails, or is not reached.
    case failed(Explanation)
    /// It was not checked; the reason is a phrase.
    case skipped(String)
  }

  /// The check.
  package var name: CheckName
  /// What was looked at, such as the listener "0.0.0.0:80"; empty where the check has one subject only.
  package var subject: String
  /// What came of it.
  package var verdict: Verdict

  /// A finding about the only subject of a check.
  package init(_ name: CheckName, _ verdict: Verdict) { self.init(name, "", verdict) }

  /// A finding about one of several.
  package init(_ name: CheckName, _ subject: String, _ verdict: Verdict) {
    self.name = name
    self.subject = subject
    self.verdict = verdict
  }

  /// The explanation of a certain failure; nil for every other verdict.
  package var failure: Explanation? {
    if case .failed(let explanation) = verdict { explanation } else { nil }
  }
}

/// A process without privileges sends it.
extension Finding: Message {
  /// Writes all of it.
  package func write(to writer: inout MessageWriter) {
    writer.number(CheckName.allCases.firstIndex(of: name) ?? 0)
    writer.text(subject)
    switch verdict {
    case .passed: writer.number(0)
    case .warning(let explanation):
      writer.number(1)
      explanation.write(to: &writer)
    case .failed(let explanation):
      writer.number(2)
      explanation.write(to: &writer)
    case .skipped(let reason):
      writer.number(3)
      writer.text(reason)
    }
  }

  /// Reads it.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    name = CheckName.allCases[try reader.number(0...(CheckName.allCases.count - 1))]
    subject = try reader.text(limit: Explanation.messageLimit)
    verdict =
      switch try reader.number(0...3) {
      case 0: .passed
      case 1: .warning(try Explanation(from: &reader))
      case 2: .failed(try Explanation(from: &reader))
      default: .skipped(try reader.text(limit: Explanation.messageLimit))
      }
  }
}
