import Kong
import Text

/// Settings that are right on a machine and go wrong in a container that starts as root.
extension Request {
  /// Warns of an nginx that goes to the background, where nobody looks for the end of a container.
  var warningsOfDaemon: [Explanation] {
    ["KONG_NGINX_DAEMON", "KONG_NGINX_MAIN_DAEMON"].compactMap { name in
      guard let value = environment.nonEmpty(name)?.text?.lowercased(),
        value == "on" || value == "true"
      else { return nil }
      return Explanation(
        what: "\(name)=\(value): nginx goes to the background, and the container ends with status"
          + " 0",
        why: "a container lives as long as its first process, and a daemon's first process ends",
        waysOut: ["unset \(name): nginx then stays in the foreground"])
    }
  }

  /// Warns of logs that `kong prepare` cannot open in a start that drops to another user.
  ///
  /// Until nginx takes its place, process 1 is root's, and so are the links to what it has open
  /// (proc_pid_fd(5)).
  var warningsOfLogs: [Explanation] {
    environment.variables.compactMap { variable in
      let directory = "/proc/1/fd/"
      guard Environment.isLogSetting(variable.name),
        variable.value.bytes.starts(with: directory.utf8)
      else { return nil }
      let isOutput = variable.value.bytes.dropFirst(directory.utf8.count).first == UInt8(ascii: "1")
      return Explanation(
        what: "\(variable.name)=\(variable.value): kong prepare cannot open it; its nginx will say:"
          + " open() failed (13: Permission denied)",
        why:
          "until nginx takes its place, process 1 is root's, and so are the files that it has open",
        waysOut: ["\(variable.name)=/dev/\(isOutput ? "stdout" : "stderr"), which is the same"])
    }
  }
}
