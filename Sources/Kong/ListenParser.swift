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
  ///   to a vault is omitted: only Kong can resolve it.
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
    try read(value, source: source, grammar: grammar, isSecret: isSecret).listeners
  }

  /// Parses the value of one variable.
  ///
  /// - Returns: the listeners, and what to say where an entry is a reference to a vault.
  static func read(
    _ value: ByteString, source: String, grammar: Grammar = .any, isSecret: Bool = false
  ) throws(StartFailure) -> (listeners: [Listener], warning: Explanation?) {
    let bytes = value.bytes
    let value = withoutComment(bytes, grammar)
    if value.allSatisfy(isLuaBlank) { throw emptyValue(source) }
    if isOff(value) { return ([], nil) }
    func failure(_ fault: Fault, at index: Int) -> StartFailure {
      let entry = entries(of: value)[index]
      let text = isSecret ? "" : ", \"\(ByteString(Array(luaTrimmed(entry))).shortened)\","
      return fault.failure(of: "\(source): entry \(index + 1)\(text)", isSecret: isSecret)
    }

    var reader = EntryReader(bytes, upTo: value.endIndex, source: source, allowed: grammar.flags)
    var listeners: [Listener] = []
    listeners.reserveCapacity(value.count / "0.0.0.0:8000 ssl".utf8.count)
    var references: [Int] = []
    var index = 0
    repeat {
      do throws(Fault) {
        if let listener = try reader.next() {
          listeners.append(listener)
        } else {
          references.append(index)
        }
      } catch {
        throw failure(error, at: index)
      }
      index += 1
    } while !reader.isAtEnd
    if let twice = listeners.ofOneSocket.min(by: { $0[1] < $1[1] }) {
      let positions = (0..<index).filter { !references.contains($0) }
      throw failure(.sameSocket(asEntry: positions[twice[0]] + 1), at: positions[twice[1]])
    }
    return (listeners, references.first.map { isReference($0, of: index, source: source) })
  }

  /// Whether an entry is a reference that Kong resolves itself, such as "{vault://env/listen}".
  ///
  /// As in Kong (kong/pdk/vault.lua, `is_reference`), all of it is one, or nothing of it.
  package static func isReference(_ entry: ArraySlice<UInt8>) -> Bool {
    entry.begins(with: "{vault://") && entry.last == UInt8(ascii: "}")
  }

  private static func isReference(_ index: Int, of count: Int, source: String) -> Explanation {
    let subject = count == 1 ? "its value" : "its entry \(index + 1)"
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
  private let bytes: [UInt8]
  private let end: Int
  private let source: String
  private let allowed: ListenFlags
  /// Where the next entry begins.
  private var position: Int
  /// An entry in the usual form, ADDRESS:PORT and flags.
  private var last: Usual?

  private struct Usual {
    /// Where its host is, and what it is.
    let hostRange: Range<Int>
    let host: String
    /// Where all is that follows its port, and the flags in it.
    let rest: Range<Int>
    let flags: [String]
  }

  init(_ bytes: [UInt8], upTo end: Int, source: String, allowed: ListenFlags) {
    self.bytes = bytes
    self.end = end
    position = 0
    self.source = source
    self.allowed = allowed
  }

  var isAtEnd: Bool { position > end }

  /// Reads the next entry; nil is a reference to a vault.
  mutating func next() throws(ListenParser.Fault) -> Listener? {
    if let listener = nextLikeLast() { return listener }
    let entry = bytes[position..<end].prefix { $0 != UInt8(ascii: ",") }
    position = entry.endIndex + 1
    if ListenParser.isReference(luaTrimmed(entry)) { return nil }
    let listener = try listener(ofWords: entry)
    let word = EntryReader.firstWord(of: entry)
    if case .inet(let host, _) = listener.address, ListenFlag.looksLikeAddress(word),
      let colon = word.lastIndex(of: UInt8(ascii: ":"))
    {
      last = Usual(
        hostRange: word.startIndex..<colon, host: host, rest: word.endIndex..<entry.endIndex,
        flags: listener.flags)
    }
    return listener
  }

  /// Reads the next entry if it differs from the last one in its port only, as in most long lists.
  ///
  /// That cuts the instructions for 10,000 entries to a third.
  private mutating func nextLikeLast() -> Listener? {
    guard let last else { return nil }
    var index = position
    while index < end, bytes[index] == UInt8(ascii: " ") { index += 1 }
    guard isSame(last.hostRange, at: index) else { return nil }
    index += last.hostRange.count
    guard index < end, bytes[index] == UInt8(ascii: ":") else { return nil }
    let digits = bytes[(index + 1)..<end].prefix(while: isDigit)
    let next = digits.endIndex + last.rest.count
    guard let port = ListenAddress.port(digits), isSame(last.rest, at: digits.endIndex),
      next == end || bytes[next] == UInt8(ascii: ",")
    else { return nil }
    position = next + 1
    return Listener(
      source: source, address: .inet(host: last.host, port: port), flags: last.flags)
  }

  private func isSame(_ range: Range<Int>, at start: Int) -> Bool {
    guard end - start >= range.count else { return false }
    for offset in 0..<range.count
    where bytes[start + offset] != bytes[range.lowerBound + offset] {
      return false
    }
    return true
  }

  /// As in Kong, the flags are taken out wherever they stand; what is left is the address.
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
  /// What is wrong with an entry, in the terms of Kong's documentation.
  struct Fault: Error, Equatable {
    /// The word that is wrong; nil where it is the entry.
    private var word: ByteString?
    /// The rule that it breaks, without text of the entry: a file named by mistake may hold a secret.
    private var rule: String
    /// A way out of its own, besides the general one.
    ///
    /// It may contain text of the entry.
    private var wayOut: String?

    private init(_ word: ArraySlice<UInt8>? = nil, rule: String, wayOut: String? = nil) {
      (self.word, self.rule, self.wayOut) = (word.map { ByteString(Array($0)) }, rule, wayOut)
    }

    private static let writeOff = "write \"off\" as the only entry for no listener at all"

    static let empty = Fault(rule: "there is nothing between two commas")
    static let notUTF8 = Fault(rule: "it has bytes that are not UTF-8")
    static let noAddress = Fault(
      rule: "it has only flags; separate flags with blanks, because a comma begins a new listener")
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
      Fault(word, rule: "is given twice, and Kong reads the second as a part of the address")
    }
    static func sameSocket(asEntry number: Int) -> Fault {
      Fault(rule: "it is the same socket as entry \(number), and nginx refuses a socket twice")
    }

    /// The fault of a word that is no address, where it is one that is met often.
    static func common(_ word: ArraySlice<UInt8>) -> Fault? {
      if word.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }) {
        return Fault(
          rule:
            "the value itself has quotation marks: env files and lists in compose files keep them",
          wayOut: "write it without them")
      }
      if word.begins(with: "{vault://") {
        return Fault(rule: "a reference to a vault must be the whole entry")
      }
      if word.begins(with: "unix:") { return Fault(rule: "Kong accepts no unix: sockets here") }
      if word.count == 3, word.begins(with: "off", inAnyCase: true) {
        return Fault(
          rule: "\"off\" must be in lower case, and the only entry", wayOut: writeOff)
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
