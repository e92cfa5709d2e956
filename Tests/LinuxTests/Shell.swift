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

/// Runs a script in a fresh directory.
func shell(_ script: String) throws -> Shell.Outcome {
  let shell = try Shell()
  defer { shell.remove() }
  return try shell.run(script)
}
