import Text

/// A flag of a listener in Kong's `*_listen` settings, in the order in which Kong looks for them.
enum ListenFlag: UInt16, CaseIterable {
  case udp
  case ssl
  case http2
  case proxyProtocol
  case transparent
  case deferred
  case bind
  case reuseport
  case backlog
  case ipv6OnlyOn
  case ipv6OnlyOff
  case keepaliveOn
  case keepaliveOff
  case keepalive

  /// The flag that a word is, with a value that nginx takes; nil for any other word.
  init?(_ word: ArraySlice<UInt8>) {
    guard let flag = ListenFlag.allCases.first(where: { $0.isWritten(word) }) else { return nil }
    self = flag
  }

  private func isWritten(_ word: ArraySlice<UInt8>) -> Bool {
    let value = { word.dropFirst(self.word.utf8.count) }
    return switch self {
    case .backlog: word.begins(with: self.word) && ListenFlag.isBacklog(value())
    case .keepalive: word.begins(with: self.word) && ListenFlag.isKeepalive(value())
    default: word.equals(self.word)
    }
  }

  /// The flag as written, without a value that can vary.
  private var word: String {
    switch self {
    case .udp: "udp"
    case .ssl: "ssl"
    case .http2: "http2"
    case .proxyProtocol: "proxy_protocol"
    case .transparent: "transparent"
    case .deferred: "deferred"
    case .bind: "bind"
    case .reuseport: "reuseport"
    case .backlog: "backlog="
    case .ipv6OnlyOn: "ipv6only=on"
    case .ipv6OnlyOff: "ipv6only=off"
    case .keepaliveOn: "so_keepalive=on"
    case .keepaliveOff: "so_keepalive=off"
    case .keepalive: "so_keepalive="
    }
  }

  /// Whether Kong leaves a flag in an entry that has one twice: it looks for one flag after the other
  /// (``allCases``), each with a blank on both sides, and what it found is one blank after that
  /// (kong/conf_loader/listeners.lua, `parse_option_flags`).
  ///
  /// So of `ssl ssl` the second is left, which is an error, and of `ssl bind ssl` none.
  static func isLeft(in entry: ArraySlice<UInt8>) -> Bool {
    var words: [(flag: ListenFlag?, blanksBefore: Int)] = []
    var blanks = 1
    var start = luaTrimmed(entry)[...]
    while !start.isEmpty {
      let word = start.prefix { !isLuaBlank($0) }
      words.append((ListenFlag(word), blanks))
      start = start[word.endIndex...]
      blanks = start.prefix(while: isLuaBlank).count
      start = start.dropFirst(blanks)
    }
    for flag in allCases {
      var kept: [(flag: ListenFlag?, blanksBefore: Int)] = []
      var found = 0
      var between = 0
      for word in words {
        // The blank behind the flag that was found last is no longer there to be found.
        let isBehindFlag = between > 0
        if word.flag == flag, word.blanksBefore > (isBehindFlag ? 1 : 0) {
          found += 1
          between += word.blanksBefore
        } else {
          kept.append((word.flag, max(1, between + word.blanksBefore - found)))
          (found, between) = (0, 0)
        }
      }
      words = kept
    }
    return words.contains { $0.flag != nil }
  }

  /// Whether a word that is no flag can only be meant as an address.
  static func looksLikeAddress(_ word: ArraySlice<UInt8>) -> Bool {
    var hasColon = false
    for byte in word {
      if byte == UInt8(ascii: "=") { return false }
      if byte == UInt8(ascii: ":") { hasColon = true }
    }
    return hasColon
  }

  /// A number that is not 0 (nginx, `listen`).
  private static func isBacklog(_ value: ArraySlice<UInt8>) -> Bool {
    value.count <= 18 && value.allSatisfy(isDigit) && value.contains { $0 != UInt8(ascii: "0") }
  }

  /// `[idle]:[interval]:[count]`, nginx's times ("30m", "10s") and a number (nginx, `listen`).
  private static func isKeepalive(_ value: ArraySlice<UInt8>) -> Bool {
    let parts = value.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 3, parts.contains(where: { !$0.isEmpty }) else { return false }
    let isTime = { (part: ArraySlice<UInt8>) in
      part.isEmpty
        || (part.first.map(isDigit) ?? false) && part.allSatisfy { isDigit($0) || isLetter($0) }
    }
    return isTime(parts[0]) && isTime(parts[1]) && parts[2].allSatisfy(isDigit)
  }

  /// The flag as messages show it.
  fileprivate var usage: String {
    switch self {
    case .backlog: "backlog=N"
    case .keepalive: "so_keepalive=[IDLE]:[INTERVAL]:[COUNT]"
    default: word.description
    }
  }
}

/// The flags that a setting may have.
struct ListenFlags: OptionSet, Sendable {
  var rawValue: UInt16

  init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  init(_ flag: ListenFlag) {
    rawValue = 1 << flag.rawValue
  }

  private init(of flags: ListenFlag...) {
    rawValue = flags.reduce(0) { $0 | 1 << $1.rawValue }
  }

  /// Those of all settings in all versions of Kong from 1.0 to 3.9.
  static let all = ListenFlags(rawValue: (1 << UInt16(ListenFlag.allCases.count)) - 1)

  /// Those of a setting in a version of Kong (kong/conf_loader); where it is not known, in any.
  ///
  /// `transparent` is among all of them, though 2.0 and later refuse it: what it takes is better
  /// explained than refused.
  static func of(_ variable: String, in version: KongVersion?) -> ListenFlags {
    let isStream = variable == "KONG_STREAM_LISTEN"
    var flags = ListenFlags(of: .proxyProtocol, .transparent, .bind, .reuseport)
    if !isStream { flags.formUnion(ListenFlags(of: .ssl, .http2, .deferred)) }
    if version == .first { return flags }
    flags.formUnion(ListenFlags(of: .ssl, .backlog))
    if isStream { flags.insert(ListenFlags(.udp)) }
    if version == .second { return flags }
    return flags.union(
      ListenFlags(of: .ipv6OnlyOn, .ipv6OnlyOff, .keepaliveOn, .keepaliveOff, .keepalive))
  }

  /// The flags for a message.
  var usage: String {
    ListenFlag.allCases.filter { contains(ListenFlags($0)) }.map { $0.usage }.joined(
      separator: ", ")
  }
}
