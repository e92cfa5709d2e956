package import Text

/// A signal, by its number (signal(7); the numbers are those of x86-64 and aarch64).
package struct Signal: Equatable, Sendable {
  /// The number; the first is 1.
  package var number: Int32

  package init(_ number: Int32) {
    self.number = number
  }

  package static let hangUp = Signal(1)
  package static let interrupt = Signal(2)
  package static let quit = Signal(3)
  package static let kill = Signal(9)
  package static let brokenPipe = Signal(13)
  package static let terminate = Signal(15)
  package static let childEnded = Signal(17)
  package static let resume = Signal(18)
  package static let stop = Signal(19)
  package static let terminalStop = Signal(20)
  package static let terminalInput = Signal(21)
  package static let terminalOutput = Signal(22)

  /// In the order of their numbers, from 1 on.
  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]
  private static let realtime: ClosedRange<Int32> = 34...64

  /// The signal that a word names, with or without SIG, in any case, or by its number.
  package init?(named word: ByteString) {
    guard var name = word.text?.uppercased() else { return nil }
    if name.utf8.starts(with: "SIG".utf8) { name = String(name.dropFirst(3)) }
    if let index = Signal.names.firstIndex(where: { $0 == name }) {
      number = Int32(index + 1)
    } else if let value = Int32(name), value > 0, value <= Signal.names.count {
      number = value
    } else if name.utf8.starts(with: "RTMIN+".utf8), let above = Int32(name.dropFirst(6)),
      above >= 0, Signal.realtime.contains(Signal.realtime.lowerBound + above)
    {
      number = Signal.realtime.lowerBound + above
    } else {
      return nil
    }
  }

  /// The name with SIG, such as "SIGQUIT"; nil for a real-time signal, which is reported by its number.
  package var nameWithPrefix: String? {
    Signal.realtime.contains(number) ? nil : "SIG" + name
  }

  /// The message for a word that names no signal.
  package static let rule =
    "it must be a signal's name, with or without SIG, or its number (signal(7))"

  /// The name without SIG, such as "QUIT".
  package var name: String {
    let index = Int(number) - 1
    if Signal.names.indices.contains(index) { return Signal.names[index] }
    if Signal.realtime.contains(number) { return "RTMIN+\(number - Signal.realtime.lowerBound)" }
    return "\(number)"
  }
}
