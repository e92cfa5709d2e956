package import Text

/// What /etc/resolv.conf says (resolv.conf(5)), with glibc's limits and defaults.
package struct ResolverConfiguration: Equatable, Sendable {
  /// The servers, in the order in which they are asked.
  package private(set) var servers: [IPAddress] = []
  /// The domains that are appended to a name, in this order.
  package private(set) var search: [ByteString] = []
  /// A name with fewer dots is tried with each of these domains first.
  package private(set) var dots = 1
  /// How long a server may take to answer, in seconds.
  package private(set) var timeout = 5
  /// How often each server is asked.
  package private(set) var attempts = 2
  /// Whether servers are asked over TCP only.
  package private(set) var usesTCP = false

  private static let serverLimit = 3
  /// glibc has none; a Kubernetes pod may have 32.
  private static let searchLimit = 32

  /// Reads the file's bytes; what it does not understand is left out.
  package init(_ file: [UInt8]) {
    for line in file.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(whereSeparator: isLuaBlank)
      guard let keyword = words.first, keyword.startIndex == line.startIndex else { continue }
      let values = words.dropFirst()
      if keyword.equals("nameserver") {
        if let server = values.first.flatMap({ IPAddress($0) }),
          servers.count < ResolverConfiguration.serverLimit
        {
          servers.append(server)
        }
      } else if keyword.equals("search") {
        setSearch(values)
      } else if keyword.equals("domain") {
        setSearch(values.prefix(1))
      } else if keyword.equals("options") {
        for option in values { set(option) }
      }
    }
    if servers.isEmpty { servers = [.loopback] }
  }

  private mutating func setSearch(_ domains: ArraySlice<ArraySlice<UInt8>>) {
    search = domains.prefix(ResolverConfiguration.searchLimit).map { ByteString(Array($0)) }
  }

  private mutating func set(_ option: ArraySlice<UInt8>) {
    if let number = number(in: option, after: "ndots:") { dots = min(number, 15) }
    if let number = number(in: option, after: "timeout:") { timeout = min(max(number, 1), 30) }
    if let number = number(in: option, after: "attempts:") { attempts = min(max(number, 1), 5) }
    if option.equals("use-vc") { usesTCP = true }
  }

  private func number(in option: ArraySlice<UInt8>, after name: String) -> Int? {
    guard option.begins(with: name) else { return nil }
    let digits = option.dropFirst(name.utf8.count)
    guard (1...5).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }

  /// The full names that are asked for in place of a name, in this order.
  ///
  /// A name that ends in a dot is full itself.
  package func candidates(for name: ByteString) -> [DNSName] {
    let dot = UInt8(ascii: ".")
    let own = DNSName(name.bytes[...]).map { [$0] } ?? []
    if name.bytes.last == dot { return own }
    let searched = search.compactMap { domain in
      domain == "." ? DNSName(name.bytes[...]) : DNSName((name + "." + domain).bytes[...])
    }
    let isTriedFirst = name.bytes.count { $0 == dot } >= dots
    return isTriedFirst ? own + searched : searched + own
  }
}
