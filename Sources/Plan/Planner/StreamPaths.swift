import Text

extension Plan {
  /// Leaves Kong's log files as they are where nginx could not open what the links to the standard streams
  /// lead to, and warns of it.
  mutating func keepLogFiles(of prefix: ByteString) {
    let isLink = { (step: Step) in if case .inPrefix(_, .linkLogs) = step { true } else { false } }
    guard launch.contains(where: isLink) else { return }
    launch.removeAll(where: isLink)
    launchWarnings.append(
      Explanation(
        what: "Kong's logs stay files in \(prefix)/logs",
        why:
          "nginx could not open /dev/stdout and /dev/stderr: they lead to /proc, which is not mounted",
        waysOut: [
          "mount /proc in the container", "ENTRYPOINT_LOG_LINKS=off says that files are wanted",
        ]))
  }
}
