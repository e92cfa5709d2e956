package import Nginx

/// A socket that has a port already.
package struct PortHolder: Equatable, Sendable {
  /// A process, by its number and its name.
  package struct Process: Equatable, Sendable {
    package var number: Int
    /// As the kernel has it, of at most 15 bytes (proc_pid_comm(5)), printable.
    package var name: String

    package init(number: Int, name: String) {
      (self.number, self.name) = (number, name)
    }
  }

  /// The address that it has.
  package var host: ListenHost
  package var port: Int
  /// The user who made it.
  package var uid: UInt32
  /// The process that has it; nil if that is not visible here.
  package var process: Process?

  package init(host: ListenHost, port: Int, uid: UInt32, process: Process? = nil) {
    (self.host, self.port) = (host, port)
    (self.uid, self.process) = (uid, process)
  }

  /// "process 17 (nginx) of uid 33 listens on 0.0.0.0:80".
  package var description: String {
    let who =
      process.map { "process \($0.number) (\($0.name)) of uid \(uid)" }
      ?? "a process of uid \(uid), which is not visible from here,"
    return "\(who) listens on \(host.text(port: port))"
  }
}
