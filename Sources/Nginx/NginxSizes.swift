package import Text

/// What an nginx configuration says of its workers and of the memory that they share.
package struct NginxSizes: Equatable, Sendable {
  /// The value of `worker_processes`; nil where there is none.
  package private(set) var workers: ByteString?
  /// What all `lua_shared_dict` together can grow to, in bytes.
  package private(set) var dictionaries = 0

  /// No machine has as much memory; sums stay below the largest number.
  private static let most = 1 << 50

  /// Knows nothing.
  package init() {}

  /// Reads a configuration as far as possible: nginx itself reports what is wrong with it.
  package init(main: ByteString, files: NginxFiles, limits: NginxLimits = NginxLimits()) {
    var walk = NginxWalk(main: main, files: files, limits: limits)
    walk.visit { configuration, _ in
      let words = configuration.words
      if configuration.isWord(words[0], "worker_processes") {
        workers = configuration.value(of: words[1])
      } else if words.count == 3, configuration.isWord(words[0], "lua_shared_dict"),
        let size = NginxSizes.bytes(in: configuration.value(of: words[2]))
      {
        dictionaries = min(dictionaries + size, NginxSizes.most)
      }
    }
  }

  /// The bytes of a size such as "128m" (ngx_parse_size); nil for anything else.
  package static func bytes(in text: ByteString) -> Int? {
    var digits = text.bytes[...]
    var unit = 1
    switch digits.last {
    case UInt8(ascii: "k"), UInt8(ascii: "K"): unit = 1 << 10
    case UInt8(ascii: "m"), UInt8(ascii: "M"): unit = 1 << 20
    default: break
    }
    if unit > 1 { digits.removeLast() }
    guard (1...9).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    return unit * digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }
}
