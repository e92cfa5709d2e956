@testable import Nginx
@testable import Text
import Testing

@Suite("A random nginx configuration")
struct NginxRandomTests {
  @Test("has the listens that were written into it, however it is quoted, commented and split")
  func readsBack() {
    var found = 0
    let rounds = rounds(500)
    for seed in rounds {
      var configuration = RandomConfiguration(seed: UInt64(seed))
      configuration.write()
      let result = NginxIncludeWalk(
        main: "/p/main", isRoot: true, files: NginxFiles(texts: configuration.files))
      #expect(result.directives.map(\.arguments) == configuration.listens, "seed \(seed)")
      #expect(result.warnings.isEmpty, "seed \(seed)")
      found += result.directives.count
    }
    #expect(found > 5 * rounds.count)
  }
}

/// Writes a configuration, and keeps the arguments of each `listen` in it, in order.
private struct RandomConfiguration {
  var random: SeededGenerator
  var files: [String: String] = [:]
  var listens: [[ByteString]] = []

  init(seed: UInt64) {
    random = SeededGenerator(state: seed)
  }

  mutating func write() {
    var text = ""
    for _ in 0...Int.random(in: 0...2, using: &random) {
      let kind = pick(["http", "stream", "mail", "events", "other"])
      text += block([kind]) { $0.servers(count: kind != "events" && kind != "other") }
    }
    files["/p/main"] = text
  }

  private mutating func servers(count: Bool) -> String {
    var text = ""
    for _ in 0...Int.random(in: 0...4, using: &random) {
      switch Int.random(in: 0..<5, using: &random) {
      case 0: text += block(["map", "$a", "${b}"]) { $0.directive(["listen", "1"]) }
      case 1: text += elsewhere { $0.servers(count: count) }
      case 2: text += lua()
      default: text += block(["server"]) { $0.server(count: count) }
      }
    }
    return text
  }

  private mutating func server(count: Bool) -> String {
    var text = listen(count: count)
    for _ in 0...Int.random(in: 0...3, using: &random) {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: text += block(["location", pick(["}", "a}b", "{", "#", "'", "\""])]) { $0.lua() }
      case 1: text += elsewhere { $0.listen(count: count) }
      case 2: text += directive(["set", "$x", "a\n;b"])
      case 3: text += lua()
      default: text += listen(count: count)
      }
    }
    return text
  }

  private mutating func listen(count: Bool) -> String {
    let arguments = (0...Int.random(in: 0...3, using: &random)).map { _ in
      pick([
        "80", "[::]:443", "ssl", "unix:/a b", "un;ix", "{", "}", "", "#", "a#", "$x", "${x}", "\\",
        "a\\ b", "\"", "'", "\t\r\n", "é", "\\\"", "listen", ")",
      ])
    }
    if count { listens.append(arguments.map { ByteString($0) }) }
    return directive(["listen"] + arguments)
  }

  private mutating func lua() -> String {
    let parts = (0..<Int.random(in: 0...5, using: &random)).map { _ in
      pick([
        "\"}\"", "'{'", "'\\'}'", "--}\n", "--[[ } ]]", "[==[ }]]]==]", "{{}}", "it's\n", "\"\n",
        "listen 1;", "a[b[c]]", "---[[ }\n", "]]", "\"\\\\\"",
      ])
    }
    return gap() + pick(["init", "content"]) + "_by_lua_block {" + parts.joined(separator: " ")
      + "\n}"
  }

  /// Moves what the body writes to another file.
  private mutating func elsewhere(_ body: (inout RandomConfiguration) -> String) -> String {
    let text = body(&self)
    let name = "\(files.count) \(pick(["a", ";", "{", "'", "\\", "#"]))"
    files["/p/\(name)"] = text
    return directive(["include", name])
  }

  private mutating func block(
    _ words: [String], _ body: (inout RandomConfiguration) -> String
  ) -> String {
    var text = directive(words)
    text.removeLast()
    return text + "{" + body(&self) + gap() + "}"
  }

  private mutating func directive(_ words: [String]) -> String {
    var text = gap()
    for (index, word) in words.enumerated() {
      if index > 0 { text += pick([" ", "\n", "\t", "\r\n"]) + gap() }
      text += quoted(word)
    }
    return text + pick(["", " " + gap()]) + ";"
  }

  private mutating func gap() -> String {
    pick(["", "", "", " ", "\n", " # };{\"'\n", "\n#x\n#y\n"])
  }

  private mutating func quoted(_ word: String) -> String {
    let bytes = word.utf8
    let special = Array(" \t\r\n;{\"'\\".utf8)
    let isPlain =
      !bytes.isEmpty && !bytes.contains { special.contains($0) } && bytes.first != UInt8(ascii: "#")
      && bytes.first != UInt8(ascii: "}")
    let quote = pick(isPlain ? ["", "", "\"", "'"] : ["\"", "'"])
    guard !quote.isEmpty else { return word }
    var text = quote
    for scalar in word.unicodeScalars {
      switch scalar {
      case "\\", "\"", "'": text += "\\" + String(scalar)
      case "\n": text += pick(["\n", "\\n"])
      case "\t": text += pick(["\t", "\\t"])
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + quote
  }

  private mutating func pick(_ choices: [String]) -> String {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}
