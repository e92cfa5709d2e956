import Foundation
import Testing

/// Runs real programs for a test, as root, and returns what a user would see.
struct Shell {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The root of the package.
  static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// A fresh directory that the script finds in $T.
  ///
  /// It is removed with the shell.
  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appending(path: "entrypoint-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    // The dropped user must be able to enter it.
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: directory.path)
  }

  func remove() {
    try? FileManager.default.removeItem(at: directory)
  }

  /// Runs a bash script in private mount, network and process namespaces, with the binary as
  /// $ENTRYPOINT.
  func run(_ script: String) throws -> Outcome {
    let binary = Shell.package.appending(path: ".build/entrypoint").path
    try #require(
      FileManager.default.isExecutableFile(atPath: binary), "build it first: scripts/build")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = [
      "--mount", "--net", "--pid", "--fork", "--mount-proc", "bash", "-euc", script,
    ]
    process.environment = [
      "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
      "ENTRYPOINT": binary, "T": directory.path,
    ]
    let (output, errors) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let errorText = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: errorText, as: UTF8.self))
  }
}

extension Shell {
  /// A controller of control groups, with its limit's file in each version.
  enum Controller: String {
    case cpu, memory

    fileprivate var limit: (v1: String, v2: String) {
      switch self {
      case .cpu: (#""$1" >$group/cpu.cfs_quota_us"#, #""$1 100000" >$group/cpu.max"#)
      case .memory:
        (#""$1" >$group/memory.limit_in_bytes"#, #""$1" >$group/memory.max"#)
      }
    }
  }

  /// The beginning of a script: makes a control group of the kernel, and the functions `limit LIMIT` and
  /// `within COMMAND`, which runs a command in it.
  static func controlGroup(_ controller: Controller) -> String {
    """
    if [ -e /sys/fs/cgroup/\(controller)/cgroup.procs ]; then
      group=/sys/fs/cgroup/\(controller)/entrypoint-test-$$-$RANDOM; mkdir $group
      limit() { echo \(controller.limit.v1); }
    else
      mount -t cgroup2 none /sys/fs/cgroup
      echo +\(controller) >/sys/fs/cgroup/cgroup.subtree_control
      group=/sys/fs/cgroup/entrypoint-test-$$-$RANDOM; mkdir $group
      limit() { echo \(controller.limit.v2); }
    fi
    trap 'rmdir $group' EXIT
    within() { (sh -c 'echo 0 >'$group'/cgroup.procs; exec "$@"' sh "$@"); }

    """
  }
}

/// Runs a script in a fresh directory.
func shell(_ script: String) throws -> Shell.Outcome {
  let shell = try Shell()
  defer { shell.remove() }
  return try shell.run(script)
}
