import Nginx
package import Text

/// Kong's own list of its options and their defaults: the file kong_defaults.lua.
///
/// It is Lua that returns one long string (Lua 5.1 Reference Manual, section 2.1), which Kong reads
/// as it reads a kong.conf.
package struct KongDefaults: Equatable, Sendable {
  let configuration: KongConfiguration
  /// The variables of the `*_listen` options, sorted: a hostile list has any number.
  let listenVariables: [String]

  /// Where Kong's images have it.
  package static let defaultPath: ByteString =
    "/usr/local/share/lua/5.1/kong/templates/kong_defaults.lua"

  /// Reads a file's bytes; nil where there is no long string in it.
  ///
  /// - Parameter environment: read only what says which listeners there are, and the options that these
  ///   variables make a start look for (``Environment/optionsInQuestion``); nil to read all. All 230 options
  ///   were a third of the instructions of a start up to `kong prepare`.
  package init?(_ bytes: [UInt8], for environment: Environment? = nil) {
    guard let text = LuaChunk(bytes).longString() else { return nil }
    let inQuestion = environment?.optionsInQuestion.map { variable in
      key(ofName: variable.utf8.span.extracting("KONG_".utf8.count...))
    }.sorted()
    self.init(
      KongConfiguration(bytes, in: text) { name in
        guard let inQuestion, !KongDefaults.mayMatterToListeners(name) else { return true }
        return !inQuestion.isEmpty && inQuestion.contains(sorted: key(ofName: name.span))
      })
  }

  init(_ configuration: KongConfiguration) {
    self.configuration = configuration
    listenVariables = configuration.listenSettings.map { $0.variable }.sorted()
  }

  /// Whether an option is one of those below, or perhaps: by its last letters, or its first and its length.
  private static func mayMatterToListeners(_ name: ArraySlice<UInt8>) -> Bool {
    switch (name.first, name.count) {
    case (UInt8(ascii: "r"), "role".utf8.count),
      (UInt8(ascii: "n"), "nginx_optimizations".utf8.count),
      (UInt8(ascii: "h"), "headers_upstream".utf8.count):
      true
    default: name.last == UInt8(ascii: "n") && name.ends(with: "listen")
    }
  }

  /// The default of an option as written, such as "NONE"; nil if there is no such option.
  package subscript(name: String) -> ByteString? { configuration[name] }

  /// The default of a `*_listen` option; nil where there is none ("NONE", or no such option).
  package func listenDefault(of name: String) -> ByteString? {
    guard let value = self[name], !value.isEmpty, value != "NONE" else { return nil }
    return value
  }

  /// Whether this Kong has the `*_listen` option of a variable such as "KONG_PROXY_LISTEN".
  func hasListenOption(withVariable variable: String) -> Bool {
    listenVariables.contains(sorted: variable)
  }

  /// What Kong this is the list of; nil where it does not tell.
  ///
  /// Each 1.x and 2.x has `nginx_optimizations`, and no later Kong; `role` came with 2.0.
  var version: KongVersion? {
    let hasRole = self["role"] != nil
    if self["nginx_optimizations"] != nil { return hasRole ? .second : .first }
    return hasRole ? .third : nil
  }

  /// Whether the Kong Manager has no listeners where the Admin API has none: from 3.5 on, as
  /// `headers_upstream` is.
  var closesManagerWithAdmin: Bool { self["headers_upstream"] != nil }

  /// Whether an option's variable has this name, such as "KONG_PG_PASSWORD".
  func hasOption(withVariable variable: String) -> Bool {
    configuration.settings.contains { !$0.name.isEmpty && $0.hasVariable(variable) }
  }
}

/// The result of reading Kong's list of options.
package enum KongDefaultsReading: Equatable, Sendable {
  /// The file does not exist.
  case absent
  /// The list.
  case list(KongDefaults)
  /// The file is not such a list, or cannot be read; with the reason as a phrase.
  case unusable(String)

  /// Judges what the file came to; parameters as in ``KongDefaults``.
  package init(_ content: FileContent, for environment: Environment? = nil) {
    switch content {
    case .absent: self = .absent
    case .bytes(let bytes):
      let defaults = KongDefaults(bytes, for: environment)
      self = defaults.map { .list($0) } ?? .unusable("it contains no long string, [[...]]")
    case .tooLarge: self = .unusable("it is too large")
    case .unreadable(let why): self = .unusable(why)
    }
  }

  /// The list; nil if the file does not exist.
  ///
  /// - Throws: ``StartFailure`` for a file that is there and not Kong's list: which variables name
  ///   secrets would be a guess.
  package func get(path: ByteString) throws(StartFailure) -> KongDefaults? {
    let reason: String
    switch self {
    case .absent: return nil
    case .list(let defaults): return defaults
    case .unusable(let why): reason = why
    }
    throw StartFailure(
      status: ExitStatus.configuration,
      what: "\(path) is not Kong's list of options, so the meaning of KONG_*_FILE is not known",
      why: reason,
      waysOut: [
        "put Kong's own file there, readable by the user that runs Kong",
        "name another file with ENTRYPOINT_KONG_DEFAULTS; if it does not exist, all KONG_*_FILE but"
          + " KONG_NGINX_* are secrets",
      ])
  }
}

/// The major version of Kong.
///
/// Some rules for settings depend on it.
enum KongVersion {
  case first
  case second
  case third
}

/// As much of Lua's grammar as it takes to find a long string: comments are passed over.
private struct LuaChunk {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The first long string, `[[...]]` or `[=[...]=]`, without the newline that it may begin with.
  ///
  /// One without an end takes the rest of the file, in which there is then nothing: it is no Lua.
  func longString() -> Range<Int>? {
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "[") else {
        position += 1
        continue
      }
      let isComment = bytes[position...].begins(with: "--")
      if let bracket = LuaLongBracket(bytes, at: isComment ? position + 2 : position) {
        guard let end = bracket.end else { return nil }
        if !isComment { return withoutFirstNewline(bracket.contents) }
        position = end
      } else if isComment {
        position = bytes.position(of: UInt8(ascii: "\n"), from: position)
      } else {
        position += 1
      }
    }
    return nil
  }

  private func withoutFirstNewline(_ text: Range<Int>) -> Range<Int> {
    var text = text
    if bytes[text].first == UInt8(ascii: "\r") { text = text.dropFirst() }
    return bytes[text].first == UInt8(ascii: "\n") ? text.dropFirst() : text
  }
}
