/// The flags of a listener in Kong's `*_listen` settings, those of http and stream in all versions
/// from 1.0 to 3.9 together.
enum ListenFlag {
  /// The flags for a message.
  static let usage =
    "ssl, http2, proxy_protocol, deferred, bind, reuseport, backlog=N, ipv6only=on|off,"
    + " so_keepalive=on|off|[IDLE]:[INTERVAL]:[COUNT], udp, transparent"

  /// Whether the word is a flag with, where it takes one, a value that fits.
  static func isFlag(_ word: String) -> Bool {
    switch word {
    case "ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport", "udp", "transparent",
      "ipv6only=on", "ipv6only=off", "so_keepalive=on", "so_keepalive=off":
      return true
    default: break
    }
    guard let equals = word.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
    let value = word.utf8[word.utf8.index(after: equals)...]
    switch word[..<equals] {
    case "backlog": return !value.isEmpty && value.allSatisfy(isDigit)
    case "so_keepalive": return isKeepalive(value)
    default: return false
    }
  }

  /// Whether a word that is no flag can only be meant as an address.
  static func looksLikeAddress(_ word: String) -> Bool {
    word.utf8.contains(UInt8(ascii: ":")) && !word.utf8.contains(UInt8(ascii: "="))
  }

  /// `[idle]:[interval]:[count]`, nginx's times ("30m", "10s") and a number (nginx, `listen`).
  private static func isKeepalive(_ value: Substring.UTF8View) -> Bool {
    let parts = value.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 3, parts.contains(where: { !$0.isEmpty }) else { return false }
    let isTime = { (part: Substring.UTF8View) in
      part.isEmpty
        || (part.first.map(isDigit) ?? false) && part.allSatisfy { isDigit($0) || isLetter($0) }
    }
    return isTime(parts[0]) && isTime(parts[1]) && parts[2].allSatisfy(isDigit)
  }
}
