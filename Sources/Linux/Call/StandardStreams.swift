import Plan
import Text
import CLinux

extension StandardStream {
  /// What standard output and standard error are now.
  static func readBoth() -> [StandardStream] {
    [STDOUT_FILENO, STDERR_FILENO].map { number in
      do throws(Errno) {
        let status = try FileStatus(ofDescriptor: number)
        return StandardStream(
          descriptor: DescriptorNumber(number), kind: kind(status, number),
          identity: FileIdentity(status),
          uid: status.uid, gid: status.gid, mode: status.permissions & 0o777)
      } catch {
        return StandardStream(descriptor: DescriptorNumber(number), kind: .closed)
      }
    }
  }

  private static func kind(_ status: FileStatus, _ number: Int32) -> Kind {
    switch status.type {
    case .fifo: .pipe
    case .regular: .file
    case .socket: .socket
    default: isatty(number) == 1 ? .terminal : .otherDevice
    }
  }

  /// Gives the file behind the stream to a user (fchown(2)); the group stays.
  func give(to uid: UInt32) throws(SystemCallFailure) {
    try checked("fchown(\(name), \(uid))") { fchown(descriptor.value, uid, .max) }
  }
}
