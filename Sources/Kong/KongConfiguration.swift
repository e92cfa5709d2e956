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

    /// Whether its name ends like those of listeners.
    ///
    /// Cheap, because Kong has 230 options.
    fileprivate var mayListen: Bool { name.utf8.ends(with: "_listen") }

    /// Whether its name is one that Kong looks for: they have small letters only.
    var hasPlainName: Bool {
      !name.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// Whether this is the setting's ``variable``, which is not made for that: Kong has 230 options.
    func hasVariable(_ variable: String) -> Bool {
      let written = variable.utf8
      return written.count == "KONG_".utf8.count + name.utf8.count && written.begins(with: "KONG_")
        && written.dropFirst("KONG_".utf8.count).elementsEqual(
          name.utf8.lazy.map { uppercased($0) })
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
  /// - Parameter isWanted: gets a name as written. It must treat all bytes other than ASCII letters and
  ///   digits alike, because Penlight makes the same name of them.
  init(_ bytes: [UInt8], where isWanted: (ArraySlice<UInt8>) -> Bool) {
    var sections: [String] = []
    for line in Lines(bytes) {
      if line.text.first == UInt8(ascii: "[") {
        // From here to the end of the file names belong to sections, which Kong never looks at.
        sections.append(Lines.section(line.text))
      } else if sections.isEmpty, let setting = Lines.setting(line, where: isWanted) {
        settings.append(setting)
      }
    }
    removeRepeated(and: sections)
  }

  init(_ settings: [Setting]) {
    self.settings = settings
  }

  /// The settings that matter to a start once what they inject has been read.
  var relevant: KongConfiguration {
    KongConfiguration(
      settings.filter { $0.name == "prefix" || $0.name == "role" } + listenSettings)
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
    for setting in settings where setting.name == name { return setting.value }
    return nil
  }

  /// The `*_listen` settings, in the order of the file.
  ///
  /// As with ``Environment/isListenSetting(_:)``, `nginx_*_listen` is none; nor is a name with a
  /// capital, which Kong looks for nowhere.
  package var listenSettings: [Setting] {
    settings.filter { $0.mayListen && $0.hasPlainName && Environment.isListenSetting($0.variable) }
  }

  /// Kong's working directory; nil where the file does not say.
  package var prefix: ByteString? { self["prefix"].flatMap { $0.isEmpty ? nil : $0 } }
}

/// The lines of a file as `pl.config.lines` gives them: without empty lines and comments, and with
/// those joined that end in a backslash.
private struct Lines: Sequence, IteratorProtocol {
  /// A line, and the number of the first line of the file that is in it.
  struct Line {
    var text: ArraySlice<UInt8>
    var number: Int
  }

  private let bytes: [UInt8]
  /// Where the next line of the file begins.
  private var position = 0
  private var number = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func next() -> Line? {
    var joined: [UInt8] = []
    var start: Int?
    while position < bytes.count {
      let (line, last) = nextInFile()
      guard let last else { continue }
      guard bytes[last] == UInt8(ascii: "\\") else {
        guard let start else { return Line(text: bytes[line], number: number) }
        return Line(text: (joined + bytes[line])[...], number: start)
      }
      joined += bytes[line.lowerBound..<last]
      start = start ?? number
    }
    // A backslash at the very end of the file leaves its line unfinished, and so unread.
    return nil
  }

  /// The next line of the file, and where its last byte is that is no blank; nil if the line is empty or
  /// a comment.
  ///
  /// One pass over the bytes: Kong's list of options is the largest file that a start reads as root.
  private mutating func nextInFile() -> (line: Range<Int>, last: Int?) {
    let bytes = bytes
    let text = bytes.span
    let start = position
    var first: UInt8?
    var last = start
    var end = start
    while end < text.count, text[end] != UInt8(ascii: "\n") {
      if !isLuaBlank(text[end]) {
        first = first ?? text[end]
        last = end
      }
      end += 1
    }
    number += 1
    position = end + 1
    guard let first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
      return (start..<end, nil)
    }
    return (start..<end, last)
  }

  /// `name = value`; nil for a line without "=", and for a name that is not wanted.
  static func setting(
    _ line: Line, where isWanted: (ArraySlice<UInt8>) -> Bool
  ) -> KongConfiguration.Setting? {
    guard let equals = line.text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    let written = luaTrimmed(line.text[..<equals])
    guard isWanted(written) else { return nil }
    return KongConfiguration.Setting(
      name: name(written),
      value: ByteString(withoutComment(luaTrimmed(line.text[(equals + 1)...]))), line: line.number)
  }

  /// The name in `[name]`.
  static func section(_ line: ArraySlice<UInt8>) -> String {
    name(line.dropFirst().prefix { $0 != UInt8(ascii: "]") })
  }

  private static func name(_ bytes: ArraySlice<UInt8>) -> String {
    String(
      decoding: bytes.map { isDigit($0) || isLetter($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
  }

  /// The value up to the first "#" that no backslash is before; `\#` becomes "#".
  private static func withoutComment(_ value: ArraySlice<UInt8>) -> [UInt8] {
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
