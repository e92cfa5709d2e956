package import Text

/// How capabilities reach the command.
package enum CapabilityMode: String, Choice, Sendable {
  /// The first way that works.
  case auto
  /// File capabilities on the command's file.
  case file
  /// Ambient capabilities.
  case ambient
}

/// What the command line says; nil or empty where an option is absent.
package struct Options: Equatable, Sendable {
  /// `--user`.
  package var user: String?
  /// `--cap`, commas already split.
  package var capabilities: [String] = []
  /// `--cap-mode`.
  package var mode: CapabilityMode?
  /// `--no-new-privs`.
  package var noNewPrivileges: Bool?
  /// `--proxy`.
  package var proxy: ByteString?

  /// `--init`.
  package var supervises = false
  /// `--stop-delay`.
  package var stopDelay: TimeSpan?
  /// `--stop-timeout`.
  package var stopTimeout: TimeSpan?
  /// `--stop-signal`.
  package var stopSignal: Signal?

  /// `--wait-for`.
  package var waitFor: [WaitRequest.Subject] = []
  /// `--wait-timeout`.
  package var waitTimeout: TimeSpan?
  /// `--wait-interval`.
  package var waitInterval: TimeSpan?

  /// No options at all.
  package init() {}
}
