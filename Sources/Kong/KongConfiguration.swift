package import Text

/// A kong.conf, read as Kong reads it.
///
/// Kong has Penlight's `pl.config.read` take the file apart, and strips comments from the values
/// itself (kong/conf_loader, `load_config`). Numbers stay as they are written.
package struct KongConfiguration: Equatable, Sendable {
  /// One `name = value` of the file.
  package struct Setting: Equatable, Sendable {
    /// The name; every byte but ASCII letters and digits is "_", as Penlight has it.
    package var name: String
    /// The value without blanks around it and without its comment; empty counts as not set.
    package var value: ByteString
    /// The number of the line that it begins on; the first is 1.
    package var line: Int

    /// The variable that beats this setting, even where it is set to nothing: "KONG_PREFIX".
    package var variable: String { "KONG_" + name.uppercasedASCII }

    /// Whether its variable is one of ``Environment/isListenSetting(_:)``, which is not made for that:
    /// Kong has 230 options.
    fileprivate var isListen: Bool {
      let name = name.utf8.span
      return name.count > "_listen".utf8.count && name.ends(with: "_listen")
        && !name.begins(with: "nginx_")
    }

    /// Whether its name is one that Kong looks for: they have small letters only.
    var hasPlainName: Bool {
      !name.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// Whether this is the setting's ``variable``, which is not made for that: Kong has 230 options.
    func hasVariable(_ variable: String) -> Bool {
      let (written, name) = (variable.utf8.span, name.utf8.span)
      let start = "KONG_".utf8.count
      guard written.count == start + name.count, written.begins(with: "KONG_") else { return false }
      for index in name.indices where written[start + index] != uppercased(name[index]) {
        return false
      }
      return true
    }
  }

  /// The settings in the order of the file; of a repeated name only the last, which counts.
  package private(set) var settings: [Setting] = []

  /// Where Kong looks for a file when none is given with `-c` or `--conf`; the first there counts.
  package static let defaultPaths: [ByteString] = ["/etc/kong/kong.conf", "/etc/kong.conf"]

  /// Reads a file's bytes.
  ///
  /// It never fails: Kong itself judges the settings.
  package init(_ bytes: [UInt8]) {
    self.init(bytes) { _ in true }
  }

  /// Reads of a file's bytes only the settings that are asked for.
  ///
  /// - Parameters:
  ///   - range: where they stand in the bytes; nil for all of them.
  ///   - isWanted: gets a name as written. It must treat all bytes other than ASCII letters and digits
  ///     alike, because Penlight makes the same name of them.
  init(
    _ bytes: [UInt8], in range: Range<Int>? = nil, where isWanted: (ArraySlice<UInt8>) -> Bool
  ) {
    var sections: [String] = []
    for line in Lines(bytes, in: range ?? 0..<bytes.count) {
      if line.bytes[line.range.lowerBound] == UInt8(ascii: "[") {
        // From here to the end of the file names belong to sections, which Kong never looks at.
        sections.append(Lines.section(line.bytes[line.range]))
      } else if sections.isEmpty, let setting = Lines.setting(line, where: isWanted) {
        settings.append(setting)
      }
    }
    removeRepeated(and: sections)
  }

  init(_ settings: [Setting]) {
    self.settings = settings
  }

  /// Beside listeners, those that matter to a start once what they inject has been read.
  private static let relevantNames = [
    "prefix", "role", "database", "pg_host", "pg_port", "pg_ssl", "pg_user", "pg_database",
    "nginx_worker_processes", "nginx_main_worker_processes", "mem_cache_size",
  ]

  /// The settings that matter to a start once what they inject has been read.
  var relevant: KongConfiguration {
    KongConfiguration(
      settings.filter { KongConfiguration.relevantNames.contains($0.name) } + listenSettings)
  }

  /// A section takes the place of a setting of its name.
  private mutating func removeRepeated(and sections: [String]) {
    let isRepeated = !settings.map { $0.name }.groupsOfEqual.isEmpty
    guard isRepeated || !sections.isEmpty else { return }
    var seen = Set(sections)
    settings = settings.reversed().filter { seen.insert($0.name).inserted }.reversed()
  }

  /// The value of a setting, nil where the file has none of this name.
  package subscript(name: String) -> ByteString? {
    let name = name.utf8.span
    for setting in settings where setting.name.utf8.span.equals(name) { return setting.value }
    return nil
  }

  /// The `*_listen` settings, in the order of the file.
  ///
  /// As with ``Environment/isListenSetting(_:)``, `nginx_*_listen` is none; nor is a name with a
  /// capital, which Kong looks for nowhere.
  package var listenSettings: [Setting] {
    settings.filter { $0.isListen && $0.hasPlainName }
  }

  /// Kong's working directory; nil where the file does not say.
  package var prefix: ByteString? { self["prefix"].flatMap { $0.isEmpty ? nil : $0 } }
}

/// The lines of a file as `pl.config.lines` gives them: without empty lines and comments, and with
/// those joined that end in a backslash.
private struct Lines: Sequence, IteratorProtocol {
  /// A line that is not empty, and the number of the first line of the file that is in it.
  struct Line {
    /// What it stands in: the file, or the lines that were joined.
    var bytes: [UInt8]
    var range: Range<Int>
    var number: Int
  }

  private let bytes: [UInt8]
  /// What is still to be read of the file.
  private var rest: Range<Int>
  private var number = 0

  init(_ bytes: [UInt8], in range: Range<Int>) {
    self.bytes = bytes
    rest = range
  }

  mutating func next() -> Line? {
    var joined: [UInt8] = []
    var start: Int?
    while !rest.isEmpty {
      let line = rest.lowerBound..<bytes.position(of: UInt8(ascii: "\n"), in: rest)
      rest = Swift.min(line.upperBound + 1, rest.upperBound)..<rest.upperBound
      number += 1
      guard let last = lastOfText(in: line) else { continue }
      guard bytes[last] == UInt8(ascii: "\\") else {
        guard let start else { return Line(bytes: bytes, range: line, number: number) }
        joined += bytes[line]
        return Line(bytes: joined, range: 0..<joined.count, number: start)
      }
      joined += bytes[line.lowerBound..<last]
      start = start ?? number
    }
    // A backslash at the very end of the file leaves its line unfinished, and so unread.
    return nil
  }

  /// Where the last byte of a line is that is no blank; nil if the line is empty or a comment.
  private func lastOfText(in line: Range<Int>) -> Int? {
    let text = bytes.span.extracting(line)
    var first = 0
    while first < text.count, isLuaBlank(text[first]) { first += 1 }
    guard first < text.count, text[first] != UInt8(ascii: "#"), text[first] != UInt8(ascii: ";")
    else { return nil }
    var last = text.count - 1
    while isLuaBlank(text[last]) { last -= 1 }
    return line.lowerBound + last
  }

  /// `name = value`; nil for a line without "=", and for a name that is not wanted.
  static func setting(
    _ line: Line, where isWanted: (ArraySlice<UInt8>) -> Bool
  ) -> KongConfiguration.Setting? {
    let (bytes, range) = (line.bytes, line.range)
    let equals = bytes.position(of: UInt8(ascii: "="), in: range)
    guard equals < range.upperBound else { return nil }
    let written = luaTrimmed(bytes[range.lowerBound..<equals])
    guard isWanted(written) else { return nil }
    let value = luaTrimmed(bytes[(equals + 1)..<range.upperBound])
    return KongConfiguration.Setting(
      name: name(written), value: ByteString(withoutComment(value)), line: line.number)
  }

  /// The name in `[name]`.
  static func section(_ line: ArraySlice<UInt8>) -> String {
    name(line.dropFirst().prefix { $0 != UInt8(ascii: "]") })
  }

  private static func name(_ bytes: ArraySlice<UInt8>) -> String {
    let underscore = UInt8(ascii: "_")
    if bytes.allSatisfy({ isLetter($0) || $0 == underscore || isDigit($0) }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    return String(
      decoding: bytes.map { isDigit($0) || isLetter($0) ? $0 : underscore }, as: UTF8.self)
  }

  /// The value up to the first "#" that no backslash is before; `\#` becomes "#".
  private static func withoutComment(_ value: ArraySlice<UInt8>) -> [UInt8] {
    guard value.contains(UInt8(ascii: "#")) else { return Array(value) }
    var result: [UInt8] = []
    for byte in value {
      guard byte == UInt8(ascii: "#") else {
        result.append(byte)
        continue
      }
      guard result.last == UInt8(ascii: "\\") else { return Array(luaTrimmed(result[...])) }
      result[result.count - 1] = byte
    }
    return result
  }
}
