import Capabilities
import Kong
import Plan
import Preflight
import Text

/// The nginx that runs with the prefix of a start.
struct RunningNginx {
  /// Its master process.
  let process: Int32
  /// What it has; nil if the kernel does not say.
  let credentials: Credentials?
  /// The numbers of its sockets; nil if its user may not look into it.
  private let sockets: [UInt64]?

  /// Looks for it by its pid file, as the user that it should have.
  ///
  /// - Parameter kept: the capabilities that it should have: who has fewer may not look into it (ptrace(2),
  ///   "Ptrace access mode checking").
  /// - Returns: nil if it does not run, or is not seen from here.
  static func find(
    in prefix: ByteString, as user: TargetUser, own: Credentials, keeping kept: CapabilitySet,
    patience: Int
  ) -> RunningNginx? {
    let outcome = ConfinedProcess.run(as: user, own: own, patience: patience, keeping: kept) {
      Sighting(in: prefix)
    }
    guard case .success(let sighting) = outcome, let process = sighting.process else { return nil }
    return RunningNginx(process: process, sockets: sighting.sockets)
  }

  private init(process: Int32, sockets: [UInt64]?) {
    (self.process, self.sockets) = (process, sockets)
    do throws(Errno) {
      let file = try OpenFile(ofKernel: ByteString("/proc/\(process)/status"))
      credentials = ProcessStatus.parse(try file.contents(limit: 1 << 16), securebits: [])
    } catch {
      credentials = nil
    }
  }

  /// Whether a socket is its own; judged by the user, if it is not known which are.
  func has(_ entry: SocketTable.Entry) -> Bool {
    sockets?.contains(entry.inode) ?? (entry.uid == credentials?.user.effective)
  }
}

/// What a process of the user sees.
private struct Sighting: Message {
  var process: Int32?
  var sockets: [UInt64]?

  init(in prefix: ByteString) {
    process = StalePid.runningMaster(in: prefix)
    sockets = process.flatMap { SocketOwners.sockets(of: $0) }
  }

  func write(to writer: inout MessageWriter) {
    writer.optional(process) { $0.number(Int($1)) }
    writer.optional(sockets) { writer, sockets in
      writer.list(sockets) { writer, socket in
        writer.number(Int(socket >> 32))
        writer.number(Int(socket & 0xffff_ffff))
      }
    }
  }

  init(from reader: inout MessageReader) throws(MalformedMessage) {
    process = try reader.optional { reader throws(MalformedMessage) in
      Int32(try reader.number(1...Int(Int32.max)))
    }
    sockets = try reader.optional { reader throws(MalformedMessage) in
      try reader.list(limit: SocketOwners.limit) { reader throws(MalformedMessage) in
        let high = try reader.number(0...0xffff_ffff)
        return UInt64(high) << 32 | UInt64(try reader.number(0...0xffff_ffff))
      }
    }
  }
}
