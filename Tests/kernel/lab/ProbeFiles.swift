import Capabilities
import CKernelLab
import CLinux

/// Copies of the probe on two private file systems, one of them mounted `nosuid`.
///
/// They lie in a mount namespace of this process and end with it.
struct ProbeFiles {
  private static let plain = "/tmp/plain"
  private static let nosuid = "/tmp/nosuid"

  /// Makes the namespace, the mounts and the copies.
  init(copying probe: String) throws(LabFailure) {
    let program = try ProbeFiles.contents(of: probe)
    try check("unshare(CLONE_NEWNS)") { unshare(CLONE_NEWNS) }
    try check("mount(/, private)") { mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) }
    try check("mount(/tmp)") { mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") }
    for directory in [ProbeFiles.plain, ProbeFiles.nosuid] {
      try check("mkdir(\(directory))") { mkdir(directory, 0o755) }
    }
    try check("mount(\(ProbeFiles.nosuid))") {
      mount("tmpfs", ProbeFiles.nosuid, "tmpfs", UInt(MS_NOSUID), "mode=755")
    }
    for isOnNosuidMount in [false, true] {
      let path = path(of: Program(isOnNosuidMount: isOnNosuidMount))
      try ProbeFiles.write(program, to: path)
    }
  }

  func path(of program: Program) -> String {
    (program.isOnNosuidMount ? ProbeFiles.nosuid : ProbeFiles.plain) + "/probe"
  }

  /// Sets or removes the attribute of the probe's file.
  func prepare(_ program: Program) throws(LabFailure) {
    let path = path(of: program)
    guard let attribute = program.attribute else {
      if removexattr(path, ProbeFiles.attributeName) != 0, lab_errno() != ENODATA {
        throw LabFailure("removexattr(\(path))", errno: lab_errno())
      }
      return
    }
    let bytes = ProbeFiles.bytes(of: attribute)
    try check("setxattr(\(path))") {
      setxattr(path, ProbeFiles.attributeName, bytes, bytes.count, 0)
    }
  }

  private static let attributeName = "security.capability"

  /// struct vfs_cap_data and vfs_ns_cap_data (linux/capability.h).
  ///
  /// libcap refuses to write an effective bit without a capability.
  private static func bytes(of attribute: FileCapabilities) -> [UInt8] {
    let revision: UInt32 = attribute.rootID == nil ? 0x0200_0000 : 0x0300_0000
    let (permitted, inheritable) = (attribute.permitted.rawValue, attribute.inheritable.rawValue)
    var words: [UInt32] = [
      revision | (attribute.effective ? 1 : 0),
      UInt32(truncatingIfNeeded: permitted), UInt32(truncatingIfNeeded: inheritable),
      UInt32(permitted >> 32), UInt32(inheritable >> 32),
    ]
    if let rootID = attribute.rootID { words.append(rootID) }
    return words.flatMap { word in withUnsafeBytes(of: word.littleEndian, Array.init) }
  }

  private static func contents(of path: String) throws(LabFailure) -> [UInt8] {
    let descriptor = try check("open(\(path))") { lab_open(path, O_RDONLY | O_CLOEXEC, 0) }
    defer { close(descriptor) }
    return try readAll(descriptor)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(LabFailure) {
    let descriptor = try check("open(\(path))") {
      lab_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
    }
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor)
  }
}
