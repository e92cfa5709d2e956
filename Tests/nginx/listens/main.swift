// Prints what the module Nginx finds in an nginx configuration, for comparison with other programs.
//
//   listens directives FILE   PATH, LINE and the arguments of each `listen`, separated by tabs
//   listens listeners FILE    transport and address of each socket, separated by a tab
//
// Both assume an nginx started by root. Warnings go to stderr, and make the exit status 1.

import Nginx
import Text
import Glibc

private func read(_ path: ByteString, limit: Int) -> FileContent {
  guard let file = fopen(path.description, "r") else {
    return errno == ENOENT ? .absent : .unreadable(String(cString: strerror(errno)))
  }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if ferror(file) != 0 { return .unreadable(String(cString: strerror(errno))) }
    if count == 0 { return .bytes(bytes) }
    bytes += buffer[..<count]
    if bytes.count > limit { return .tooLarge }
  }
}

private func matching(_ pattern: ByteString) -> [ByteString]? {
  var result = glob_t()
  defer { globfree(&result) }
  guard glob(pattern.description, 0, nil, &result) == 0 else { return [] }
  return (0..<Int(result.gl_pathc)).compactMap { index in
    result.gl_pathv[index].map { ByteString(String(cString: $0)) }
  }
}

private func complain(_ text: String) {
  var line = "listens: \(text)\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

private func report(_ warnings: [Explanation]) -> Never {
  for warning in warnings { complain("\(warning.what): \(warning.why)") }
  exit(warnings.isEmpty ? 0 : 1)
}

private let files = NginxFiles(matching: matching, read: read)
private let arguments = CommandLine.arguments

switch (arguments.count, arguments.dropFirst().first) {
case (3, "directives"):
  let found = NginxIncludeWalk(main: ByteString(arguments[2]), isRoot: true, files: files)
  for listen in found.directives {
    let words =
      [listen.file, String(listen.line)] + listen.arguments.map(\.description)
    print(words.joined(separator: "\t"))
  }
  report(found.warnings)
case (3, "listeners"):
  let found = NginxListeners(main: ByteString(arguments[2]), isRoot: true, files: files)
  for var listener in found.listeners {
    let transport = listener.transport.rawValue
    listener.flags = []
    print("\(transport)\t\(listener.entry)")
  }
  report(found.warnings)
default:
  complain("usage: listens directives|listeners FILE")
  exit(64)
}
