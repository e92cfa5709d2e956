import CLinux

/// The terminal on standard input, if it is one (termios(3)).
enum Terminal {
  /// Whether this process's group is in its foreground (tcgetpgrp(3)).
  static var isInForeground: Bool {
    let group = tcgetpgrp(STDIN_FILENO)
    return group > 0 && group == getpgrp()
  }

  /// Whether this process leads the session of the terminal: there is no shell that started it there
  /// (getsid(2)).
  static var isOwn: Bool { getsid(0) == getpid() }

  /// Gives it to a group of this session (tcsetpgrp(3)).
  ///
  /// A process in the background may do that while it blocks or ignores SIGTTOU.
  static func give(toGroup number: Int32) throws(SystemCallFailure) {
    try checked("tcsetpgrp(\(number))") { tcsetpgrp(STDIN_FILENO, number) }
  }

  /// Gives it to the group of this process (tcsetpgrp(3)).
  static func take() throws(SystemCallFailure) { try give(toGroup: getpgrp()) }
}
