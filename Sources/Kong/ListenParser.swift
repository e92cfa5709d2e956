package import Nginx
package import Text

/// The value of a `*_listen` setting of Kong: a comma-separated list of listeners, or "off".
package enum ListenParser {
  /// The grammar of a setting, which depends on the setting and on Kong's version.
  struct Grammar {
    /// The flags that an entry may have.
    var flags = ListenFlags.all
    /// Whether a "#" ends the value; nil where the version is not known: then one behind a blank does.
    var cutsComments: Bool?

    /// The grammar of all settings in all versions together.
    static let any = Grammar()

    init() {}

    /// The grammar of one variable's value.
    init(of variable: String, in version: KongVersion?) {
      flags = .of(variable, in: version)
      cutsComments = version.map { $0 == .first }
    }
  }

  /// Parses the value of one variable by the grammar of all settings in all versions.
  ///
  /// - Parameters:
  ///   - value: such as "0.0.0.0:80, [::]:443 ssl http2".
  ///   - source: the variable, for messages and as each listener's source.
  ///   - isSecret: whether a message must not show what the value is.
  /// - Returns: the listeners in order; none if the first entry is "off". An entry that is a reference
  ///   to a vault is left out: nobody but Kong can know it.
  /// - Throws: ``StartFailure`` that names the variable, the entry and what was expected.
  package static func parse(
    _ value: ByteString, source: String, isSecret: Bool = false
  ) throws(StartFailure) -> [Listener] {
    try parse(value, source: source, grammar: .any, isSecret: isSecret)
  }

  /// Parses the value of one variable.
  static func parse(
    _ value: ByteString, source: String, grammar: Grammar, isSecret: Bool = false
  ) throws(StartFailure) -> [Listener] {
    let value = withoutComment(value.bytes, grammar)
    if value.allSatisfy(isLuaBlank) { throw emptyValue(source) }
    if isOff(value) { return [] }
    func failure(_ fault: Fault, at index: Int) -> StartFailure {
      let entry = entries(of: value)[index]
      let text = isSecret ? "" : ", \"\(ByteString(Array(luaTrimmed(entry))).shortened)\","
      return fault.failure(of: "\(source): entry \(index + 1)\(text)", isSecret: isSecret)
    }

    var reader = EntryReader(source: source, allowed: grammar.flags)
    var listeners: [Listener] = []
    var references: [Int] = []
    var (index, rest) = (0, value)
    while true {
      let entry = rest.prefix { $0 != UInt8(ascii: ",") }
      if isReference(luaTrimmed(entry)) {
        references.append(index)
      } else {
        do throws(Fault) { listeners.append(try reader.listener(entry)) } catch {
          throw failure(error, at: index)
        }
      }
      guard entry.endIndex < value.endIndex else { break }
      (index, rest) = (index + 1, value[(entry.endIndex + 1)...])
    }
    if let twice = listeners.ofOneSocket.min(by: { $0[1] < $1[1] }) {
      let positions = (0...index).filter { !references.contains($0) }
      throw failure(.sameSocket(asEntry: positions[twice[0]] + 1), at: positions[twice[1]])
    }
    return listeners
  }

  /// Whether an entry is a reference that Kong resolves itself, such as "{vault://env/listen}".
  ///
  /// As in Kong (kong/pdk/vault.lua, `is_reference`), all of it is one, or nothing of it.
  static func isReference(_ entry: ArraySlice<UInt8>) -> Bool {
    entry.begins(with: "{vault://") && entry.last == UInt8(ascii: "}")
  }

  /// What to say of a value of which an entry is a reference to a vault; nil where none is.
  package static func warning(of value: ByteString, source: String) -> Explanation? {
    // Most values have none, and can have 4,000 entries.
    guard value.bytes.contains(UInt8(ascii: "{")), !isOff(value.bytes[...]) else { return nil }
    let entries = entries(of: value.bytes[...])
    guard let index = entries.firstIndex(where: { isReference(luaTrimmed($0)) }) else { return nil }
    let subject = entries.count == 1 ? "its value" : "its entry \(index + 1)"
    return Explanation(
      what: "the listeners of \(source) are not known before kong prepare has run",
      why: "\(subject) is a reference to a vault, which Kong resolves itself",
      waysOut: [
        "if one of them has a port below net.ipv4.ip_unprivileged_port_start, ask for its"
          + " capability: --cap net_bind_service, or SET_CAP_NET_BIND_SERVICE=1",
        "write the listeners into \(source) itself",
      ])
  }

  private static func isOff(_ value: ArraySlice<UInt8>) -> Bool {
    luaTrimmed(value.prefix { $0 != UInt8(ascii: ",") }).equals("off")
  }

  private static func entries(of value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
  }

  /// The value without its comment.
  ///
  /// Kong 1.x takes the byte before the "#", too, unless that is a backslash (kong/conf_loader.lua,
  /// `check_and_infer`).
  private static func withoutComment(_ bytes: [UInt8], _ grammar: Grammar) -> ArraySlice<UInt8> {
    let cutsAll = grammar.cutsComments == true
    guard grammar.cutsComments != false, bytes.contains(UInt8(ascii: "#")) else {
      return bytes[...]
    }
    for index in bytes.indices.dropFirst() where bytes[index] == UInt8(ascii: "#") {
      let before = bytes[index - 1]
      if cutsAll ? before != UInt8(ascii: "\\") : isLuaBlank(before) {
        return bytes[..<(index - 1)]
      }
    }
    return bytes[...]
  }

  private static func emptyValue(_ source: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration, what: "\(source) is empty",
      why: "Kong refuses an empty list of listeners",
      waysOut: ["unset it for Kong's default", "write \"off\" for no listener at all"])
  }
}

/// Reads the entries of one value.
private struct EntryReader {
  let source: String
  let allowed: ListenFlags
  /// What stood behind the address of an entry, and its flags: long lists repeat them.
  private var last: (text: ArraySlice<UInt8>, flags: [String]) = ([], [])

  init(source: String, allowed: ListenFlags) {
    self.source = source
    self.allowed = allowed
  }

  /// As in Kong, the flags are taken out wherever they stand; what is left is the address.
  mutating func listener(
    _ entry: ArraySlice<UInt8>
  ) throws(ListenParser.Fault) -> Listener {
    let word = EntryReader.firstWord(of: entry)
    guard ListenFlag.looksLikeAddress(word) else { return try listener(ofWords: entry) }
    let text = entry[word.endIndex...]
    if text != last.text || text.isEmpty {
      let listener = try listener(ofWords: entry)
      last = (text, listener.flags)
      return listener
    }
    return Listener(source: source, address: try address(word), flags: last.flags)
  }

  private func listener(
    ofWords entry: ArraySlice<UInt8>
  ) throws(ListenParser.Fault) -> Listener {
    var address: ListenAddress?
    var flags: [String] = []
    var seen: ListenFlags = []
    var repeated: ArraySlice<UInt8>?
    var badWord: ArraySlice<UInt8>?
    var word = EntryReader.firstWord(of: entry)
    while !word.isEmpty {
      if let flag = ListenFlag(word) {
        guard allowed.contains(ListenFlags(flag)) else { throw .flag(word, allowed) }
        if seen.contains(ListenFlags(flag)) {
          repeated = repeated ?? word
        } else {
          seen.insert(ListenFlags(flag))
          flags.append(String(decoding: word, as: UTF8.self))
        }
      } else if address == nil, ListenFlag.looksLikeAddress(word) {
        address = try self.address(word)
      } else {
        try EntryReader.checkText(word)
        badWord = badWord ?? word
      }
      word = EntryReader.firstWord(of: entry[word.endIndex...])
    }
    if let badWord {
      guard address != nil else { throw .common(badWord) ?? .noPort(badWord) }
      throw ListenFlag.looksLikeAddress(badWord)
        ? .secondAddress(badWord) : .flag(badWord, allowed)
    }
    if let repeated, ListenFlag.isLeft(in: entry) { throw .repeated(repeated) }
    guard let address else { throw flags.isEmpty ? .empty : .noAddress }
    return Listener(source: source, address: address, flags: flags)
  }

  private func address(
    _ word: ArraySlice<UInt8>
  ) throws(ListenParser.Fault) -> ListenAddress {
    do throws(ListenParser.Fault) { return try .parse(word) } catch {
      try EntryReader.checkText(word)
      throw .common(word) ?? error
    }
  }

  private static func checkText(_ word: ArraySlice<UInt8>) throws(ListenParser.Fault) {
    guard ByteString.text(of: word) != nil else { throw .notUTF8 }
  }

  private static func firstWord(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    text.drop(while: isLuaBlank).prefix { !isLuaBlank($0) }
  }
}

extension ListenParser {
  /// What is wrong with an entry, for a person who knows Kong's documentation.
  struct Fault: Error, Equatable {
    /// The word that is wrong; nil where it is the entry.
    private var word: ByteString?
    /// What it breaks, without its text: a file that was not meant may have a secret in it.
    private var rule: String
    /// The way out beside that of all faults, which may have the text in it.
    private var wayOut: String?

    private init(_ word: ArraySlice<UInt8>? = nil, rule: String, wayOut: String? = nil) {
      (self.word, self.rule, self.wayOut) = (word.map { ByteString(Array($0)) }, rule, wayOut)
    }

    private static let writeOff = "write \"off\" as the only entry for no listener at all"

    static let empty = Fault(rule: "there is nothing between two commas")
    static let notUTF8 = Fault(rule: "it has bytes that are not UTF-8")
    static let noAddress = Fault(
      rule: "it has flags only; flags are separated by blanks, and a comma begins a new listener")
    static func secondAddress(_ word: ArraySlice<UInt8>) -> Fault {
      Fault(word, rule: "is a second address; expected a comma before it")
    }
    static func noPort(_ word: ArraySlice<UInt8>) -> Fault {
      Fault(
        word, rule: "has no port; expected ADDRESS:PORT",
        wayOut: word.allSatisfy(isLetter) ? writeOff : nil)
    }
    static func port(_ digits: ArraySlice<UInt8>) -> Fault {
      Fault(digits, rule: "is not a port; expected a number from 1 to 65535")
    }
    static func ipv4(_ host: ArraySlice<UInt8>) -> Fault {
      Fault(host, rule: "is not an IPv4 address; expected four numbers from 0 to 255")
    }
    static func ipv6(_ word: ArraySlice<UInt8>) -> Fault {
      Fault(word, rule: "is not an IPv6 address in brackets and a port, such as [::1]:8000")
    }
    static func name(_ host: ArraySlice<UInt8>) -> Fault {
      Fault(
        host,
        rule: "is not a host name; expected letters, digits, \"-\", \"_\" and \".\", or \"*\"")
    }
    static func flag(_ word: ArraySlice<UInt8>, _ allowed: ListenFlags) -> Fault {
      Fault(word, rule: "is not a flag of this setting; expected one of \(allowed.usage)")
    }
    static func repeated(_ word: ArraySlice<UInt8>) -> Fault {
      Fault(word, rule: "is written twice, and Kong takes the second for a part of the address")
    }
    static func sameSocket(asEntry number: Int) -> Fault {
      Fault(rule: "it is the same socket as entry \(number), and nginx refuses a socket twice")
    }

    /// The fault of a word that is no address, where it is one that is met often.
    static func common(_ word: ArraySlice<UInt8>) -> Fault? {
      if word.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }) {
        return Fault(
          rule:
            "the value itself has quotation marks, which env files and lists in compose files keep",
          wayOut: "write it without them")
      }
      if word.begins(with: "{vault://") {
        return Fault(rule: "a reference to a vault must be the whole entry")
      }
      if word.begins(with: "unix:") { return Fault(rule: "Kong takes no unix: sockets here") }
      if word.count == 3, word.begins(with: "off", inAnyCase: true) {
        return Fault(
          rule: "\"off\" is written in small letters, and as the only entry", wayOut: writeOff)
      }
      let digits = word.first == UInt8(ascii: ":") ? word.dropFirst() : word
      return ListenAddress.port(digits).map { port in
        Fault(word, rule: "is a port without an address", wayOut: "write 0.0.0.0:\(port)")
      }
    }

    /// The fault as the end of a start.
    func failure(of entry: String, isSecret: Bool) -> StartFailure {
      let subject =
        word.map { isSecret ? "a word of it " : "\"\($0.shortened)\" " } ?? ""
      let form =
        "write each entry as ADDRESS:PORT and flags, for example \"0.0.0.0:8000\" or"
        + " \"[::]:8443 ssl http2\", with commas between the entries"
      return StartFailure(
        status: ExitStatus.configuration, what: "\(entry) is not a listener",
        why: subject + rule, waysOut: (isSecret ? nil : wayOut).map { [$0, form] } ?? [form])
    }
  }
}
