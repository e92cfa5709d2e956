@testable import Kong
@testable import Text
import Testing

@Suite("A kong.conf")
struct KongConfigurationTests {
  private func value(_ line: String) -> ByteString? {
    KongConfiguration(Array(line.utf8))["k"]
  }

  @Test(
    "has the values that Kong reads, without blanks and comments",
    arguments: [
      ("k = v", "v"), ("k=v", "v"), ("  k\t=\t v \r", "v"), ("k = a b", "a b"), ("k =", ""),
      ("k = # all of it", ""), ("k = v # c", "v"), ("k = v#c", "v"), ("k = a\\#b", "a#b"),
      ("k = a\\#b # c \\# d", "a#b"), ("k = \\\\#", "\\#"), ("k = a = b", "a = b"),
      ("k = '#'", "'"), ("k = \"v\"", "\"v\""), ("k = v;", "v;"), ("k = a,b", "a,b"),
      (#"k = a \"# + "\n  b", "a   b"), (#"k = a # \"# + "\n b", "a"),
      (#"k = a\"# + "\n# between\n\nb", "ab"), ("k = 1\nk = 2", "2"), ("k = 1\nk =", ""),
      ("=\nk = v", "v"),
    ])
  func values(text: String, expected: String) {
    #expect(value(text) == ByteString(expected))
  }

  @Test(
    "has no setting where Kong sees none",
    arguments: [
      "", "\n", "k", "# k = v", " ; k = v", "[section]\nk = v", "k = v\n[k]", "K = v", "k k = v",
      #"k = never ended \"#, "k = v\\",
    ])
  func none(text: String) {
    #expect(value(text) == nil)
  }

  @Test("gives the line of each listener, in the order of the file; the last of a name counts")
  func listeners() {
    let configuration = KongConfiguration(
      Array(
        """
        # Kong
        stream_listen = off
        proxy_listen = 0.0.0.0:8000

        admin-listen = 127.0.0.1:8001, \\
          # the second
          127.0.0.1:8444 ssl # TLS
        nginx_http_listen = 1
        proxy_listen = 0.0.0.0:80
        """.utf8))
    #expect(
      configuration.listenSettings.map(\.name) == ["stream_listen", "admin_listen", "proxy_listen"])
    #expect(configuration.listenSettings.map(\.line) == [2, 5, 9])
    #expect(configuration.listenSettings.last?.variable == "KONG_PROXY_LISTEN")
    #expect(configuration["admin_listen"] == "127.0.0.1:8001,   127.0.0.1:8444 ssl")
  }

  @Test("names the prefix, unless it is empty")
  func prefix() {
    let set = KongConfiguration(Array("prefix = /srv/kong\nrole=data_plane".utf8))
    #expect(set.prefix == "/srv/kong")
    let empty = KongConfiguration(Array("prefix =\n".utf8))
    #expect(empty.prefix == nil)
  }

  @Test("returns every value that is written with its # escaped, whatever the bytes")
  func roundTrip() {
    var random = SeededGenerator(state: 11)
    let alphabet = Array("ab=#[];, \t\"'.:".utf8) + [0xff, 0x00, 0x01]
    for _ in rounds(50_000) {
      let value = (0..<Int.random(in: 1..<16, using: &random)).compactMap { _ in
        alphabet.randomElement(using: &random)
      }
      // Blanks at the ends do not belong to a value.
      guard let (first, last) = value.first.map({ ($0, value[value.count - 1]) }),
        ![first, last].contains(0x20), ![first, last].contains(0x09)
      else { continue }
      let escaped = value.flatMap { $0 == UInt8(ascii: "#") ? Array("\\#".utf8) : [$0] }
      let text = Array("k = ".utf8) + escaped + Array("  # c\n".utf8)
      #expect(KongConfiguration(text)["k"]?.bytes == value, "\(value)")
    }
  }
}

@Suite("kong_defaults.lua")
struct KongDefaultsTests {
  private func read(_ text: String) -> KongDefaults? { KongDefaults(Array(text.utf8)) }

  @Test("says the same about listeners and the version if only these are read")
  func onlyListeners() throws {
    for name in ["role", "nginx_optimizations", "headers_upstream", "hxxders_upstream", "Role"] {
      for listen in ["proxy_listen = 0.0.0.0:80", "proxy-listen = x", "a_listen=1\na_listen = 2"] {
        let text =
          "return [[\nprefix = /p\n\(listen)\n\(name) = x # y\npg_host = h\n[role]\nb_listen = z]]"
        let all = try #require(read(text))
        let some = try #require(KongDefaults(Array(text.utf8), for: Environment()))
        #expect(some.version == all.version)
        #expect(some.closesManagerWithAdmin == all.closesManagerWithAdmin)
        for option in ["proxy_listen", "a_listen", "b_listen", "pg_listen"] {
          #expect(some.listenDefault(of: option) == all.listenDefault(of: option))
          let variable = "KONG_" + option.uppercased()
          #expect(
            some.hasListenOption(withVariable: variable)
              == all.hasListenOption(withVariable: variable))
        }
        #expect(some["pg_host"] == nil && all["pg_host"] == "h", "what is not needed is not kept")
      }
    }
  }

  @Test(
    "answers all questions about an environment as the whole list does, of which it reads a part")
  func part() throws {
    // The first two pairs have the same key.
    #expect(key(ofName: "nakmvxxv".utf8.span) == key(ofName: "tbdxatiq".utf8.span))
    #expect(key(ofName: "kzgbhqbn".utf8.span) == key(ofName: "gqbvhtpq".utf8.span))
    let names = [
      "nakmvxxv", "tbdxatiq", "kzgbhqbn", "gqbvhtpq", "pg_password", "pg-password", "PG_password",
      "pg_password_file", "lua_ssl_file", "nginx_http_include", "nginx-http-include",
      "proxy_listen", "role", "a_listen", "nginx_optimizations", "headers_upstream", "x",
    ]
    let variables = names.map { "KONG_" + $0.replacing("-", with: "_").uppercased() }
    var random = SeededGenerator(state: 12)
    for _ in rounds(10_000) {
      let lines = (0..<Int.random(in: 0..<12, using: &random)).compactMap { number in
        names.randomElement(using: &random).map { "\($0) = \(number)\n" }
      }
      let text = "return [[\n\(lines.joined())]]"
      let environment = Environment(
        (0..<Int.random(in: 0..<8, using: &random)).compactMap { _ in
          guard let name = variables.randomElement(using: &random) else { return nil }
          return .init(
            name: Bool.random(using: &random) ? name : name + "_FILE",
            value: ["", " ", "/f", "0.0.0.0:80"].randomElement(using: &random) ?? "")
        })
      let all = try #require(read(text))
      let part = try #require(KongDefaults(Array(text.utf8), for: environment))
      func answers(_ defaults: KongDefaults) -> String {
        var files = KongFiles()
        files.defaults = defaults
        let secrets = Result { try environment.secretReferences(defaults: defaults) }
        let listeners = Result {
          try ConfiguredListeners(environment: environment, files: files).listeners(with: nil)
        }
        return """
          \(secrets) \(listeners) \(environment.unknownSecretReferences(defaults))
          \(environment.emptyDirectiveWarnings(defaults)) \(defaults.closesManagerWithAdmin)
          """
      }
      #expect(answers(part) == answers(all), "\(environment.variables) \(text)")
    }
  }

  @Test(
    "is read from the first long string, after comments of both kinds",
    arguments: [
      "return [[\na_b = 1\nc = NONE\n]]\n", "return [==[a_b = 1\n # x = y\nc = NONE ]] ]=] ]==]",
      "-- [[ not this\n--[[ nor = this\n]] --[=[ nor = ]] ]=]\nreturn[[a_b = 1\nc = NONE]]",
      "--[ x\nreturn [[\r\na_b = 1\r\nc = NONE\r\n]]",
    ])
  func longString(text: String) throws {
    let defaults = try #require(read(text))
    #expect(defaults.configuration.settings.map(\.name) == ["a_b", "c"])
    #expect(defaults["a_b"] == "1" && defaults["d"] == nil)
  }

  @Test(
    "is absent without a complete long string",
    arguments: [
      "", "return nil", "return [[ a = 1", "-- return [[ a = 1 ]]", "--[[ a = 1 ]]",
      "return [=[ ]]",
      "[", "[=", "--", "]]", "[[]", "[==[]=",
    ])
  func none(text: String) {
    #expect(read(text) == nil)
  }

  @Test("gives Kong's default listeners, and none for NONE")
  func listen() throws {
    let defaults = try #require(
      read("return [[\nproxy_listen = 0.0.0.0:8000 # http\nx_listen = NONE\ny_listen =\n]]"))
    #expect(defaults.listenDefault(of: "proxy_listen") == "0.0.0.0:8000")
    #expect(
      ["x_listen", "y_listen", "z_listen"].allSatisfy { defaults.listenDefault(of: $0) == nil })
  }
}
