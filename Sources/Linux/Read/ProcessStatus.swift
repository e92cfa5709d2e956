package import Capabilities
import Text

/// The credentials of the calling thread, read back from the kernel.
package enum ProcessStatus {
  /// Reads /proc/thread-self/status (proc_pid_status(5)) and the securebits.
  ///
  /// One file replaces about 100 system calls. The calls are made if the file is missing (/proc is masked,
  /// or not mounted) or incomplete: gVisor's has neither CapAmb nor NoNewPrivs.
  ///
  /// - Throws: ``SystemCallFailure`` if the file cannot be read, or a call fails.
  package static func read() throws(SystemCallFailure) -> Credentials {
    let bits = ProcessCapabilities.securebits
    guard let bytes = try contents(of: "/proc/thread-self/status"),
      let credentials = parse(bytes, securebits: bits)
    else { return try ask(securebits: bits) }
    return credentials
  }

  /// - Returns: nil if the file does not exist, or this process may not see it.
  private static func contents(of path: ByteString) throws(SystemCallFailure) -> [UInt8]? {
    do throws(SystemCallFailure) {
      return try contentsIfPresent(ofKernel: path)
    } catch {
      if error.errno == .permissionDenied || error.errno == .notDirectory { return nil }
      throw error
    }
  }

  /// Asks call by call.
  ///
  /// A set that this kernel does not have is empty.
  ///
  /// - Throws: ``SystemCallFailure`` also if the ids for files differ from the effective ones.
  static func ask(securebits: Securebits) throws(SystemCallFailure) -> Credentials {
    let (user, group) = (try ProcessIdentity.user(), try ProcessIdentity.group())
    guard FileSystemUser.isEffective(uid: user.effective, gid: group.effective) else {
      throw SystemCallFailure("setfsuid: unlike the effective uid", .invalidArgument)
    }
    let groups = try ProcessIdentity.groups().sorted()
    let state = try CapabilityState.ofProcess()
    let ambient = ProcessCapabilities.ambient
    var credentials = Credentials(
      user: user, group: group, groups: groups, permitted: state.permitted,
      effective: state.effective, inheritable: state.inheritable, ambient: ambient ?? [],
      bounding: ProcessCapabilities.bounding,
      noNewPrivileges: ProcessAttribute.hasNoNewPrivileges, securebits: securebits)
    credentials.canHaveAmbient = ambient != nil
    return credentials
  }

  /// Parses the text of a status file.
  ///
  /// - Returns: nil if a field is missing or is not a number.
  package static func parse(_ bytes: [UInt8], securebits: Securebits) -> Credentials? {
    var fields = Fields()
    var start = 0
    // The lines after the last field have a third of the bytes, and a start reads the file five times.
    while start < bytes.count, fields.noNewPrivileges == nil {
      let end = bytes.position(of: UInt8(ascii: "\n"), from: start)
      // Most of the 50 lines are told by their first byte.
      if Fields.mayBegin(with: bytes[start]) {
        let colon = bytes.position(of: UInt8(ascii: ":"), in: start..<end)
        if colon < end { fields.read(bytes[start..<colon], bytes[(colon + 1)..<end]) }
      }
      start = end + 1
    }
    return fields.credentials(securebits: securebits)
  }

  /// The fields seen so far.
  private struct Fields {
    var user: ProcessIDs?
    var group: ProcessIDs?
    var groups: [UInt32]?
    var permitted: CapabilitySet?
    var effective: CapabilitySet?
    var inheritable: CapabilitySet?
    var ambient: CapabilitySet?
    var bounding: CapabilitySet?
    var noNewPrivileges: Bool?

    /// Whether a line that begins with this byte may be one of them.
    static func mayBegin(with byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "U"), UInt8(ascii: "G"), UInt8(ascii: "C"), UInt8(ascii: "N"): true
      default: false
      }
    }

    mutating func read(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
      switch name.first {
      case UInt8(ascii: "U"): if name.equals("Uid") { user = ids(value) }
      case UInt8(ascii: "G"):
        if name.equals("Gid") { group = ids(value) }
        if name.equals("Groups") {
          groups = numbers(value, radix: 10)?.map { UInt32($0) }.sorted()
        }
      case UInt8(ascii: "C"):
        if name.equals("CapPrm") { permitted = set(value) }
        if name.equals("CapEff") { effective = set(value) }
        if name.equals("CapInh") { inheritable = set(value) }
        if name.equals("CapAmb") { ambient = set(value) }
        if name.equals("CapBnd") { bounding = set(value) }
      case UInt8(ascii: "N"):
        if name.equals("NoNewPrivs") {
          noNewPrivileges = numbers(value, radix: 10).map { $0 == [1] }
        }
      default: break
      }
    }

    func credentials(securebits: Securebits) -> Credentials? {
      guard let user, let group, let groups, let permitted, let effective, let inheritable,
        let ambient, let bounding, let noNewPrivileges
      else { return nil }
      return Credentials(
        user: user, group: group, groups: groups, permitted: permitted, effective: effective,
        inheritable: inheritable, ambient: ambient, bounding: bounding,
        noNewPrivileges: noNewPrivileges, securebits: securebits)
    }
  }

  /// Real, effective and saved id; the fourth, the id for files, must equal the effective one.
  private static func ids(_ text: ArraySlice<UInt8>) -> ProcessIDs? {
    guard let ids = numbers(text, radix: 10), ids.count == 4, ids[3] == ids[1] else { return nil }
    return ProcessIDs(
      real: UInt32(ids[0]), effective: UInt32(ids[1]), saved: UInt32(ids[2]))
  }

  private static func set(_ text: ArraySlice<UInt8>) -> CapabilitySet? {
    guard let numbers = numbers(text, radix: 16), numbers.count == 1 else { return nil }
    return CapabilitySet(rawValue: numbers[0])
  }

  /// Numbers separated by blanks; nil for anything else.
  ///
  /// Decimal numbers are ids and fit in 32 bits.
  private static func numbers(_ text: ArraySlice<UInt8>, radix: UInt64) -> [UInt64]? {
    let limit = radix == 10 ? UInt64(UInt32.max) : UInt64.max
    var numbers: [UInt64] = []
    numbers.reserveCapacity(4)
    var number: UInt64?
    for byte in text {
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
        if let number { numbers.append(number) }
        number = nil
        continue
      }
      guard let digit = digit(byte), digit < radix, number ?? 0 <= (limit - digit) / radix else {
        return nil
      }
      number = (number ?? 0) * radix + digit
    }
    if let number { numbers.append(number) }
    return numbers
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    default: nil
    }
  }
}
