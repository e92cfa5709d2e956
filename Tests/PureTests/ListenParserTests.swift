@testable import Kong
@testable import Nginx
@testable import Text
import Testing

@Suite("A *_listen setting")
struct ListenParserTests {
  private func parse(_ value: ByteString) throws -> [Listener] {
    try ListenParser.parse(value, source: "KONG_PROXY_LISTEN")
  }

  private func unknown(in value: ByteString) throws -> Explanation? {
    try ListenParser.read(value, source: "KONG_PROXY_LISTEN").warning
  }

  @Test("keeps address, port and flags of every entry")
  func entries() throws {
    let listeners = try parse("0.0.0.0:80, [::]:443 ssl http2 backlog=1024 ,localhost:9000 udp")
    #expect(
      listeners.map(\.address) == [
        .inet(host: "0.0.0.0", port: 80), .inet(host: "[::]", port: 443),
        .inet(host: "localhost", port: 9000),
      ])
    #expect(listeners.map(\.flags) == [[], ["ssl", "http2", "backlog=1024"], ["udp"]])
    #expect(listeners.map(\.transport) == [.tcp, .tcp, .udp])
    #expect(listeners[1].description == "KONG_PROXY_LISTEN [::]:443 ssl http2 backlog=1024")
  }

  @Test(
    "has no listeners if its first entry is off",
    arguments: ["off", " off ", "off, 0.0.0.0:80"] as [ByteString])
  func off(value: ByteString) throws {
    #expect(try parse(value).isEmpty)
  }

  @Test("is refused if it is empty, as by Kong", arguments: ["", "  "] as [ByteString])
  func empty(value: ByteString) throws {
    let failure = try #require(throws: StartFailure.self) { try parse(value) }
    #expect(failure.status == 78)
    #expect(failure.explanation?.what == "KONG_PROXY_LISTEN is empty")
    #expect(failure.explanation?.waysOut.contains { $0.contains("\"off\"") } == true)
  }

  @Test(
    "accepts every form of address and flag that Kong accepts",
    arguments: [
      "0.0.0.0:1", "255.255.255.255:65535", "[::1]:80", "[2001:db8::1]:443", "[::ffff:a00:1]:80",
      "[1:2:3:4:5:6:7:8]:1", "[1::]:1", "[1::2:3:4:5:6:7:8]:1",
      "[:2:3:4:5:6:7:]:1", "0.0.0.0:1 ssl bind http2 backlog=1",
      "*:80", "ssl.example.com:80", "off.local:8000",
      "my_host-1:8000 proxy_protocol deferred bind reuseport", "a:1 so_keepalive=30m::10",
      "a:1 so_keepalive=on ipv6only=off", "0.0.0.0:9000 transparent",
    ])
  func accepted(entry: String) throws {
    #expect(try parse(ByteString(entry)).map(\.entry) == [entry])
  }

  @Test("accepts flags before the address, and zeros before a number, like Kong")
  func order() throws {
    #expect(try parse("ssl 0.0.0.0:443 http2").map(\.entry) == ["0.0.0.0:443 ssl http2"])
    #expect(try parse("0.0.0.0:0000000443").map(\.port) == [443])
  }

  @Test("may have a flag twice only with another one in between, because of the way Kong searches")
  func repeated() throws {
    #expect(try parse("0.0.0.0:80 ssl bind ssl").map(\.entry) == ["0.0.0.0:80 ssl bind"])
    #expect(try parse("0.0.0.0:80 ssl  ssl").map(\.entry) == ["0.0.0.0:80 ssl"])
    for value in ["0.0.0.0:80 ssl ssl", "ssl ssl ssl a:1", "a:1 ssl http2 ssl http2"] {
      let failure = try #require(throws: StartFailure.self) { try parse(ByteString(value)) }
      #expect(failure.explanation?.why.contains("is given twice") == true)
    }
  }

  @Test("is one socket for nginx if an address omits a zero, or has additional ones")
  func socketOfNginx() {
    let socket = { (host: String) in
      ListenerSocket(Listener(source: "x", address: .inet(host: host, port: 80)))
    }
    for other in ["127.0..1", "127...1", "0000127.0.0.000000001"] {
      #expect(socket(other) == socket("127.0.0.1"))
    }
    for other in ["127.0.0.1.", "127.0.1", "127.0.0.256", "127.0.0.1x"] {
      #expect(socket(other) != socket("127.0.0.1"))
    }
    #expect(socket("...") == socket("*"))
  }

  @Test("names no socket twice, however its address is written")
  func sameSocket() throws {
    for (first, second) in [
      ("0.0.0.0:80", "*:80 ssl"), ("[::]:80", "[0:0:0:0:0:0:0:0]:80"), ("a:1", "A:01"),
      ("127.0.0.1:80", "127.000.000.001:0080"), ("[::1:0]:80", "[::0001:0]:80"),
    ] {
      let failure = try #require(throws: StartFailure.self) {
        try parse(ByteString("b:1, \(first), \(second)"))
      }
      #expect(failure.explanation?.what.contains("entry 3, \"\(second)\"") == true)
      #expect(failure.explanation?.why.contains("the same socket as entry 2") == true)
    }
    #expect(try parse("0.0.0.0:53, 0.0.0.0:53 udp, [::]:53").count == 3)
  }

  @Test("has the flags of its kind and version, if these are known")
  func flags() {
    let takes = { (value: ByteString, variable: String, version: KongVersion?) in
      let grammar = ListenParser.Grammar(of: variable, in: version)
      return (try? ListenParser.parse(value, source: variable, grammar: grammar)) != nil
    }
    let (proxy, stream) = ("KONG_PROXY_LISTEN", "KONG_STREAM_LISTEN")
    #expect(takes("a:1 udp", stream, .third) && !takes("a:1 udp", proxy, .third))
    #expect(takes("a:1 http2", proxy, .third) && !takes("a:1 http2", stream, .third))
    #expect(takes("a:1 ipv6only=on", proxy, .third) && !takes("a:1 ipv6only=on", proxy, .second))
    #expect(takes("a:1 backlog=9", proxy, .second) && !takes("a:1 backlog=9", proxy, .first))
    #expect(takes("a:1 ssl", stream, .second) && !takes("a:1 ssl", stream, .first))
    #expect(takes("a:1 backlog=9 ipv6only=on", proxy, nil) && !takes("a:1 backlog=0", proxy, nil))
    #expect(takes("a:1 transparent", proxy, .third) && takes("a:1 transparent", stream, .first))
  }

  @Test("ends at a # in Kong 1.x, which also drops the byte before it")
  func comment() throws {
    let entries = { (value: ByteString, version: KongVersion?) in
      let grammar = ListenParser.Grammar(of: "KONG_PROXY_LISTEN", in: version)
      return try? ListenParser.parse(value, source: "x", grammar: grammar).map(\.entry)
    }
    #expect(entries("a:80 # only here", .first) == ["a:80"])
    #expect(entries("a:80#x", .first) == ["a:8"])
    #expect(entries("a:80 # only here", .second) == nil)
    #expect(entries("a:80 # only here", .third) == nil)
    // If one version of Kong accepts it, it must not be refused for an unknown version.
    #expect(entries("a:80 # only here", nil) == ["a:80"])
  }

  @Test(
    "names the variable, the entry and the expected form if an entry is bad",
    arguments: [
      ("0.0.0.0", "expected ADDRESS:PORT"), ("0.0.0.0:", "has no port"),
      ("0.0.0.0:65536", "expected a number from 1 to 65535"), ("0.0.0.0:0", "\"0\" is not a port"),
      ("0.0.0.0:+80", "expected a number from 1 to 65535"), ("256.0.0.1:80", "not an IPv4 address"),
      ("1.2.3:80", "not an IPv4 address"),
      ("::1:80", "\"::1:80\" is not an IPv6 address in brackets"),
      ("[::1:80", "not an IPv6 address"), ("[1::2::3]:80", "not an IPv6 address"),
      ("[1:2:3:4:5:6:7:8:9]:80", "not an IPv6 address"), ("[::1]", "has no port"),
      ("0.0.0.0:80 tls", "\"tls\" is not a flag of this setting; expected one of udp, ssl"),
      ("[::ffff:10.0.0.1]:80", "not an IPv6 address"), ("", "nothing between two commas"),
      ("0.0.0.0:80 backlog=x", "is not a flag"), ("0.0.0.0:80 1.1.1.1:81", "a comma before it"),
      ("ssl", "only flags"), ("a/b:80", "not a host name"), ("http://a:80", "not a host name"),
      ("so_keepalive=1:2 a:80", "is not a flag"), ("80", "\"80\" is a port without an address"),
      (":80 ssl", "\":80\" is a port without an address"), ("0", "\"0\" has no port"),
      ("::1", "\"::1\" is not an IPv6 address in brackets"), ("fe80::ab", "such as [::1]:8000"),
      ("\"0.0.0.0:80\"", "the value itself has quotation marks"),
      ("'off'", "the value itself has quotation marks"), ("http2", "separate flags with blanks"),
      ("unix:/x", "no unix: sockets"), ("{vault://env/listen} ssl", "must be the whole entry"),
      ("{vault://hcv/listen", "must be the whole entry"), ("OFF", "in lower case"),
      ("off", "the only entry"),
    ])
  func rejected(entry: String, expectation: String) throws {
    let failure = try #require(throws: StartFailure.self) {
      _ = try parse(ByteString("127.0.0.1:1, " + entry))
    }
    #expect(failure.status == 78)
    let explanation = try #require(failure.explanation)
    #expect(explanation.what == "KONG_PROXY_LISTEN: entry 2, \"\(entry)\", is not a listener")
    #expect(explanation.why.contains(expectation))
    #expect(!explanation.waysOut.isEmpty)
  }

  @Test("shows how to write a port without an address")
  func portAlone() throws {
    let failure = try #require(throws: StartFailure.self) { try parse(":80 ssl") }
    #expect(failure.explanation?.waysOut.first == "write 0.0.0.0:80")
  }

  @Test(
    "mentions off only if the value may have meant that",
    arguments: [
      ("OFF", true), ("none", true), ("80", false), ("0.0.0.0", false), ("a:1 tls", false),
    ])
  func wayToNone(entry: String, isSaid: Bool) throws {
    let failure = try #require(throws: StartFailure.self) { try parse(ByteString(entry)) }
    #expect(failure.explanation?.waysOut.contains { $0.contains("\"off\"") } == isSaid)
  }

  @Test(
    "has no known listeners before Kong has asked the vault, and a warning says so",
    arguments: ["{vault://env/proxy-listen}", " {vault://hcv/kong/listen?ttl=1#2} "] as [ByteString]
  )
  func vault(value: ByteString) throws {
    #expect(try parse(value).isEmpty)
    let warning = try #require(try unknown(in: value))
    #expect(warning.what.contains("KONG_PROXY_LISTEN are not known before kong prepare"))
    #expect(!warning.waysOut.isEmpty)
  }

  @Test("can have a reference to a vault as an entry, and then the others are known")
  func vaultEntry() throws {
    let value: ByteString = "a:80 ssl, {vault://env/a}, b:81, {vault://env/b}"
    #expect(try parse(value).map(\.entry) == ["a:80 ssl", "b:81"])
    let warning = try #require(try unknown(in: value))
    #expect(warning.why.hasPrefix("its entry 2 is a reference to a vault"))
    #expect(try unknown(in: "off, {vault://env/a}") == nil)
  }

  @Test(
    "contains a reference to a vault only if the whole entry is one",
    arguments: [
      "{vault://env/a", "{vault:/env/a}", "vault://env/a}", "{Vault://env/a}",
      "a:1 {vault://env/a}",
    ] as [ByteString])
  func noVault(value: ByteString) {
    #expect(throws: StartFailure.self) { try parse(value) }
  }

  @Test(
    "cannot put a control character into a message, wherever it has one",
    arguments: ["\u{1b}ff", "a:1 \u{1b}x", "a:\u{1b}", "a\u{1b}:1", "[\u{1b}]:1", "a:1 b:\u{1b}"])
  func controlCharacters(entry: String) throws {
    let failure = try #require(throws: StartFailure.self) { try parse(ByteString(entry)) }
    let text = try #require(failure.explanation)
    #expect(!"\(text.what)\(text.why)".utf8.contains { $0 < 0x20 })
    #expect(text.why.contains("\\x1b"))
  }

  @Test("has an error, not an empty entry, if there is nothing between two commas")
  func emptyEntry() {
    #expect(throws: StartFailure.self) { try parse("0.0.0.0:80,,0.0.0.0:81") }
    #expect(throws: StartFailure.self) { try parse(",0.0.0.0:81") }
  }

  @Test("prints every random valid entry as it was written")
  func printsBack() throws {
    var random = SeededGenerator(state: 2)
    for _ in rounds(20_000) {
      let entry = Generator.entry(using: &random)
      #expect(try parse(ByteString(entry)).map(\.entry) == [entry])
    }
  }

  @Test("never crashes on random bytes, and prints what it accepts unchanged")
  func randomBytes() {
    var random = SeededGenerator(state: 1)
    let alphabet = Array("0123456789.:[]*,= \tabfsludportxy_-=\u{0}é".utf8) + [0xff, 0xc3]
    for _ in rounds(40_000) {
      let bytes = (0..<Int.random(in: 0..<24, using: &random)).compactMap { _ in
        alphabet.randomElement(using: &random)
      }
      guard let listeners = try? parse(ByteString(bytes)), !listeners.isEmpty else { continue }
      let text = listeners.map(\.entry).joined(separator: ", ")
      #expect((try? parse(ByteString(text))) == listeners, "\(bytes)")
    }
  }

  @Test("means the same as one entry of a long list as alone, whatever stood before it")
  func likeTheLast() throws {
    var random = SeededGenerator(state: 5)
    let hosts = ["0.0.0.0", "0.0.0.0", "0.0.0.00", "[::]", "a", "*"]
    let rests = ["", " ssl", " ssl", "  ssl", " ssl ", " ssl http2", " ssl bind ssl", "\tudp"]
    for _ in rounds(20_000) {
      let entries = (1...Int.random(in: 2...6, using: &random)).map { port -> String in
        let blank = Bool.random(using: &random) ? " " : "\t"
        let host = hosts[Int.random(in: hosts.indices, using: &random)]
        let rest = rests[Int.random(in: rests.indices, using: &random)]
        return "\(blank)\(host):\(port)\(rest)"
      }
      let alone = try entries.flatMap { try parse(ByteString($0)) }
      #expect(try parse(ByteString(entries.joined(separator: ","))) == alone, "\(entries)")
    }
  }

  @Test("accepts a Kong-like list of ten thousand entries")
  func many() throws {
    let value = (1...10_000).map { "127.0.0.1:\($0)" }.joined(separator: ",")
    #expect(try parse(ByteString(value)).compactMap(\.port) == Array(1...10_000))
  }
}

/// Writes valid entries, independently of the parser.
private enum Generator {
  static func entry(using random: inout SeededGenerator) -> String {
    let flags = [
      "ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport", "udp", "transparent",
      "backlog=\(Int.random(in: 0...99_999, using: &random))", "ipv6only=on", "ipv6only=off",
      "so_keepalive=on", "so_keepalive=off", "so_keepalive=30m::10",
    ].shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
    let port = Int.random(in: 1...65535, using: &random)
    return (["\(host(using: &random)):\(port)"] + flags).joined(separator: " ")
  }

  private static func host(using random: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      return (0..<4).map { _ in String(UInt8.random(in: 0...255, using: &random)) }
        .joined(separator: ".")
    case 1:
      let groups = (0..<8).map { _ in
        String(UInt16.random(in: 0...UInt16.max, using: &random), radix: 16)
      }
      let cut = Int.random(in: 0...7, using: &random)
      let short = groups.prefix(cut).joined(separator: ":") + "::"
      return Bool.random(using: &random)
        ? "[\(groups.joined(separator: ":"))]"
        : "[\(short)\(groups.dropFirst(cut + 1).joined(separator: ":"))]"
    case 2:
      return "*"
    default:
      return "h"
        + (0..<Int.random(in: 0...9, using: &random)).compactMap { _ in
          "abcxyz0189-_.".randomElement(using: &random)
        }
    }
  }
}
