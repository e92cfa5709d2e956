package import Text

/// The file in which nginx leaves the number of its master process, and what is in it.
///
/// `kong health`, `kong quit` and `kong start` go by it alone: one that a killed Kong left says "1" in
/// a container, and process 1 is always there (Kong/kong#6696).
package enum PidFile {
  /// Its directory in the prefix.
  package static let directory: ByteString = "pids"
  /// Its name there.
  package static let name: ByteString = "nginx.pid"

  /// Its path.
  package static func path(in prefix: ByteString) -> ByteString {
    prefix + "/" + directory + "/" + name
  }

  /// The number of the process; nil where the contents are not one.
  package static func process(_ contents: [UInt8]) -> Int32? {
    let digits = contents.prefix(while: isDigit)
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: "\n") || byte == UInt8(ascii: " ") }
    guard contents.dropFirst(digits.count).allSatisfy(isBlank) else { return nil }
    return Int32(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
  }

  /// Whether a command line, as /proc/PID/cmdline has it, is that of an nginx master process which
  /// works in a prefix.
  ///
  /// nginx writes over its arguments: "nginx: master process PATH -p PREFIX -c nginx.conf". Before it
  /// has, they are as they were given.
  package static func isMaster(_ commandLine: [UInt8], of prefix: ByteString) -> Bool {
    let isNginx =
      commandLine.starts(with: "nginx: master process ".utf8)
      || commandLine.prefix { $0 != 0 }.split(separator: UInt8(ascii: "/")).last?
        .elementsEqual("nginx".utf8) ?? false
    let blank = UInt8(ascii: " ")
    let line = commandLine.map { $0 == 0 ? blank : $0 } + [blank]
    let option = Array(" -p ".utf8) + prefix.bytes
    return isNginx
      && line.indices.contains { start in
        let rest = line[start...]
        guard rest.starts(with: option) else { return false }
        let after = rest.dropFirst(option.count)
        return after.first == blank || after.starts(with: "/ ".utf8)
      }
  }
}
