import CLinux
import EntrypointPlan
import SystemPackage

/// The credentials of the calling thread, read back from the kernel.
public enum ProcessStatus {
  /// Reads /proc/thread-self/status (proc_pid_status(5)) and the securebits.
  ///
  /// One file instead of the 86 system calls that the same answers take one by one.
  ///
  /// - Throws: ``SystemCallFailure`` where /proc is not there or does not say all.
  public static func read() throws(SystemCallFailure) -> Credentials {
    let path: FilePath = "/proc/thread-self/status"
    let bytes: [UInt8]
    do {
      bytes = try contents(of: path)
    } catch {
      throw SystemCallFailure("read(\(path))", error as? Errno ?? .ioError)
    }
    guard
      let credentials = parse(bytes, securebits: Securebits(rawValue: UInt32(cap_get_secbits())))
    else { throw SystemCallFailure("read(\(path)): unknown format", .invalidArgument) }
    return credentials
  }

  /// Parses the text of a status file.
  ///
  /// - Returns: nil if a field is absent or has no number.
  public static func parse(_ bytes: [UInt8], securebits: Securebits) -> Credentials? {
    var fields: [Substring: Substring] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon]] = line[line.index(after: colon)...]
    }
    guard
      let user = ids(fields["Uid"]), let group = ids(fields["Gid"]),
      let groups = fields["Groups"].map(numbers),
      let permitted = set(fields["CapPrm"]), let effective = set(fields["CapEff"]),
      let inheritable = set(fields["CapInh"]), let bounding = set(fields["CapBnd"]),
      let ambient = set(fields["CapAmb"]), let noNewPrivileges = fields["NoNewPrivs"].map(numbers)
    else { return nil }
    return Credentials(
      user: user, group: group, groups: groups.sorted(), permitted: permitted,
      effective: effective, inheritable: inheritable, ambient: ambient, bounding: bounding,
      noNewPrivileges: noNewPrivileges == [1], securebits: securebits)
  }

  private static func numbers(_ text: Substring) -> [UInt32] {
    text.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { UInt32($0) }
  }

  /// Real, effective, saved; the fourth, the file system's id, follows the effective one.
  private static func ids(_ text: Substring?) -> ProcessIDs? {
    guard let text else { return nil }
    let ids = numbers(text)
    guard ids.count == 4, ids[3] == ids[1] else { return nil }
    return ProcessIDs(real: ids[0], effective: ids[1], saved: ids[2])
  }

  private static func set(_ text: Substring?) -> CapabilitySet? {
    guard let digits = text?.split(whereSeparator: { $0 == " " || $0 == "\t" }).first else {
      return nil
    }
    return UInt64(digits, radix: 16).map(CapabilitySet.init(rawValue:))
  }
}
