@testable import Nginx
import Testing

@Suite("An nginx configuration file")
struct NginxConfigurationTests {
  /// Each statement as its line, its words in brackets, and the mark that ends it.
  private func statements(_ text: String) throws(NginxSyntaxError) -> [String] {
    try statements(Array(text.utf8))
  }

  private func statements(_ bytes: [UInt8]) throws(NginxSyntaxError) -> [String] {
    var configuration = NginxConfiguration(bytes)
    var statements: [String] = []
    while let statement = try configuration.next() {
      switch statement {
      case .directive(let directive):
        let words = configuration.words.map { "[\(configuration.value(of: $0))]" }
        statements.append(
          "\(directive.line)\(words.joined())\(directive.opensBlock ? "{" : ";")")
      case .blockEnd: statements.append("}")
      }
    }
    return statements
  }

  private func error(_ text: String) -> NginxSyntaxError? {
    do throws(NginxSyntaxError) {
      _ = try statements(text)
      return nil
    } catch {
      return error
    }
  }

  @Test("has directives with words, and blocks")
  func plain() throws {
    #expect(
      try statements("user kong;\nhttp {\n  server { listen\n 80 ssl; }\n}\n") == [
        "1[user][kong];", "2[http]{", "3[server]{", "3[listen][80][ssl];", "}", "}",
      ])
  }

  @Test(
    "gives words the value that nginx gives them",
    arguments: [
      // Quotes only where a word could begin.
      (#"a "b c";"#, "1[a][b c];"), (#"a 'b "c"';"#, #"1[a][b "c"];"#),
      (#"a b"c;"#, #"1[a][b"c];"#),
      (#""a";"#, "1[a];"), (#"a "";"#, "1[a][];"), (#"a "x"{}"#, "1[a][x]{|}"),
      (#"if ("$a" = "b"){}"#, #"1[if][("$a"][=][b][)]{|}"#),
      // Escapes: resolved, or kept with their backslash.
      (#"a "\"\'\\\t\r\n";"#, #"1[a]["'\\x09\x0d\x0a];"#), (#"a \"b\";"#, #"1[a]["b"];"#),
      (#"a b\ c;"#, #"1[a][b\ c];"#), (#"a b\;c;"#, #"1[a][b\;c];"#), (#"a \.d;"#, #"1[a][\.d];"#),
      (#"a \{;"#, #"1[a][\{];"#), (#"a 'it\'s';"#, "1[a][it's];"),
      // Variables and their braces.
      ("a ${b};", "1[a][${b}];"), ("a x${b}y;", "1[a][x${b}y];"), ("a $b{}", "1[a][$b]{|}"),
      (#"a \${}"#, #"1[a][\$]{|}"#), ("a ${{b;", "1[a][${{b];"), (#"a "${b";"#, "1[a][${b];"),
      // Braces and "#" inside a word.
      ("a 80};", "1[a][80}];"), ("a b#c;", "1[a][b#c];"), ("a{}", "1[a]{|}"),
      // Comments.
      ("#x;{\"'\na b;", "2[a][b];"), ("a # b;\n c;", "1[a][c];"), ("a; #", "1[a];"),
    ])
  func words(text: String, expected: String) throws {
    #expect(try statements(text).joined(separator: "|") == expected)
  }

  @Test(
    "has an error with its line, and no crash, if nginx refuses it",
    arguments: [
      (";", 1), ("\n{", 2), ("}", 1), ("a;\n}", 2), ("a }", 1), ("a", 1), ("a b\n", 1), ("a {", 1),
      ("\na \"b\n", 2), ("a 'b\\'", 1), ("a \"b\"c;", 1), ("a \"b\"#\n;", 1), ("a \\", 1),
      ("a {\nb;\n", 3), ("\nx_by_lua_block {\n{}", 2), ("a {}}", 1), ("a \"b\"", 1),
    ])
  func errors(text: String, line: Int) {
    #expect(error(text)?.line == line, "\(text): \(String(describing: error(text)))")
  }

  @Test(
    "has a Lua block that ends where lua-nginx-module ends it",
    arguments: [
      "", "if x then y = {} end", "{ { } }", #"s = "}""#, "s = '{'", #"s = "\"}""#, #"s = "\\""#,
      "-- }", "-- it's {", "--[[ }\n ]] ", "--[==[ } ]] } ]==]", "s = [[ } ]]", "s = [=[ ]] } ]=]",
      "---[[ }", "--[ }", "--[= }", "a[b[c]]", "s = ']]'", "a - -b", "s = '\\'}'", "x = a['}']",
      // No string continues on the next line: the lone quote has no effect.
      "it's", "\"\n", "s = 'a\\",
    ])
  func lua(body: String) throws {
    #expect(
      try statements("a_by_lua_block {\(body)\n} b;").joined() == "1[a_by_lua_block];"
        + "\(2 + body.utf8.count { $0 == 0x0a })[b];")
  }

  @Test("has Lua only in blocks whose name ends in _by_lua_block")
  func notLua() throws {
    #expect(try statements("by_lua_block { a '}'; }").joined() == "1[by_lua_block]{1[a][}];}")
    #expect(try statements("set_by_lua_block $x { '}' }").joined() == "1[set_by_lua_block][$x];")
    #expect(try statements("\"init_by_lua_block\"{'}'}").joined() == "1[init_by_lua_block];")
    #expect(try statements("init_by_lua_block a;").joined() == "1[init_by_lua_block][a];")
  }

  @Test("never crashes on random text, and counts its lines")
  func random() {
    var random = SeededGenerator(state: 7)
    let alphabet =
      Array("ab {}{};;\"'\\#$\n\n\r\t[]=-()80:*".utf8) + Array("x_by_lua_block{".utf8)
      + [0, 0xff]
    for _ in rounds(20_000) {
      let bytes = (0..<Int.random(in: 0..<60, using: &random)).compactMap { _ in
        alphabet.randomElement(using: &random)
      }
      let lines = 1 + bytes.count { $0 == 0x0a }
      var configuration = NginxConfiguration(bytes)
      var last = 1
      do throws(NginxSyntaxError) {
        while let statement = try configuration.next() {
          guard case .directive(let directive) = statement else { continue }
          #expect((last...lines).contains(directive.line), "\(bytes)")
          last = directive.line
        }
        #expect(configuration.depth == 0, "\(bytes)")
      } catch {
        #expect((1...lines).contains(error.line), "\(bytes)")
      }
    }
  }

  @Test(
    "is read in linear time and without deep recursion, whatever half a MB repeats",
    arguments: [
      "{", "a{", "}", "a;", "\"", "'", "\\", "#", "\n", "a ", "$", "${", "a{}", "a \"\" ", "x",
      "x_by_lua_block{", "x_by_lua_block{}",
    ])
  func large(pattern: String) {
    expectFast(String(repeating: pattern, count: (1 << 19) / pattern.utf8.count))
  }

  @Test(
    "has a Lua block that is read in linear time, whatever half a MB repeats",
    arguments: ["{", "\"", "\"\\", "\\\"", "'\"", "-", "[", "[=", "]=", "--[", "\"\\\"'\\'", "[[]"])
  func largeLua(pattern: String) {
    expectFast(
      "x_by_lua_block {" + String(repeating: pattern, count: (1 << 19) / pattern.utf8.count))
    expectFast(
      "x_by_lua_block { [====[" + String(repeating: pattern, count: (1 << 19) / pattern.utf8.count))
  }

  /// Quadratic time would be many minutes; linear time is a tenth of a second without optimisation.
  private func expectFast(_ text: String) {
    let bytes = Array(text.utf8)
    let time = ContinuousClock().measure {
      var configuration = NginxConfiguration(bytes)
      do throws(NginxSyntaxError) {
        while try configuration.next() != nil {}
      } catch {
        #expect(error.line >= 1)
      }
    }
    #expect(time < .seconds(20))
  }
}
