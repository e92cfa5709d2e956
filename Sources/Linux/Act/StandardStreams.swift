import Plan
import Glibc
import SystemPackage

extension StandardStream {
  /// What standard output and standard error are now.
  static func readBoth() -> [StandardStream] {
    [FileDescriptor.standardOutput, .standardError].map { descriptor in
      guard let status = try? Stat(descriptor) else {
        return StandardStream(descriptor: descriptor.rawValue, kind: .closed)
      }
      return StandardStream(
        descriptor: descriptor.rawValue, kind: kind(status, descriptor),
        identity: FileIdentity(status), uid: status.userID.rawValue,
        gid: status.groupID.rawValue, mode: UInt32(status.permissions.rawValue) & 0o777)
    }
  }

  private static func kind(_ status: Stat, _ descriptor: FileDescriptor) -> Kind {
    switch status.type {
    case .fifo: .pipe
    case .regular: .file
    case .socket: .socket
    default: isatty(descriptor.rawValue) == 1 ? .terminal : .otherDevice
    }
  }

  /// Gives the file behind the stream to a user (fchown(2)); the group stays.
  func give(to uid: UInt32) throws(SystemCallFailure) {
    try checked("fchown(\(name), \(uid))") { fchown(descriptor, uid, .max) }
  }
}
