@testable import Linux
@testable import Text
import Foundation
import Glibc
import Testing

@Suite("A pattern of paths")
struct PathPatternTests {
  /// What glob(3) finds with the flags 0, which nginx uses.
  private func glob(_ pattern: ByteString) -> [ByteString] {
    var result = glob_t()
    defer { globfree(&result) }
    guard pattern.withCString({ Glibc.glob($0, 0, nil, &result) }) == 0 else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { index in
      result.gl_pathv[index].map { ByteString(cString: $0) }
    }
  }

  private func expanded(_ path: ByteString) -> [ByteString]? {
    var pattern = PathPattern()
    return pattern.expand(path)
  }

  /// Names of few characters, so that patterns made of these often match.
  private static let characters = [
    "a", "b", "c", ".", "-", "[", "]", "*", "?", "\\", "!", "é", "\n",
  ]

  private static func name(_ random: inout some RandomNumberGenerator) -> String {
    (0...Int.random(in: 0...2, using: &random)).map { _ in
      (Bool.random(using: &random) ? characters.prefix(4) : characters[...])
        .randomElement(using: &random) ?? "a"
    }.joined()
  }

  private static let pieces = [
    "*", "*", "?", "[a-b]", "[!a]", "[^b-c]", "[]a]", "[[:alpha:]]", "[a", "\\*", "\\a", "\\[",
    "\\\\",
    "a", "b", "c", ".", "-", "é", "[.]", "[a/b]",
  ]

  private static func pattern(_ random: inout some RandomNumberGenerator) -> String {
    (0...Int.random(in: 0...1, using: &random)).map { _ in
      (0...Int.random(in: 0...2, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? "*"
      }.joined()
    }.joined(separator: "/")
  }

  /// Makes at most 40 files, directories and links in a directory and its subdirectories.
  private static func grow(_ root: URL, _ random: inout some RandomNumberGenerator) throws {
    var directories = [root.path]
    for _ in 0..<40 {
      let path = (directories.randomElement(using: &random) ?? root.path) + "/" + name(&random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1: if mkdir(path, 0o755) == 0 { directories.append(path) }
      case 2: _ = symlink("nowhere", path)
      case 3: _ = symlink(directories.randomElement(using: &random) ?? "/", path)
      default:
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
        if file >= 0 { close(file) }
      }
    }
  }

  @Test("matches the same files in the same order as glob(3), in random trees")
  func random() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(state: seed)
    var matches = 0
    for _ in 0..<40 {
      let shell = try Shell()
      defer { shell.remove() }
      // Two levels below, so that ".." leads to nothing of others.
      let root = shell.directory.appending(path: "1/2")
      try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
      try PathPatternTests.grow(root, &random)
      for _ in 0..<250 {
        let pattern = PathPatternTests.pattern(&random)
        // nginx uses any other path unchanged.
        guard ByteString(pattern).isPattern else { continue }
        let path = ByteString(root.path + "/" + pattern)
        guard let ours = expanded(path) else {
          // A range without its end, or that ends with a "[", "[." in brackets, and what glibc mistakes.
          let isAbandoned = pattern.contains(
            /-($|\/|\[)|\[[^\]\/]*\[\.|(^|\/)\*[*?]*\?[*?]*\[/)
          #expect(isAbandoned || pattern.count { $0 == "*" } > (pattern.contains("[") ? 1 : 2))
          continue
        }
        let theirs = glob(path)
        matches += theirs.count
        if ours != theirs {
          Issue.record("seed \(seed), \(pattern): \(ours), but glob(3) finds \(theirs)")
          return
        }
      }
    }
    #expect(matches > 1000)
  }

  @Test("has the classes of the locale C, and ranges, as in fnmatch(3), for each byte")
  func classes() {
    let names = [
      "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
      "upper", "xdigit",
    ]
    let brackets =
      names.flatMap { ["[[:\($0):]]", "[^[:\($0):]-]", "[a[:\($0):]-z]"] }
      + [
        "[b-y]", "[!b-y]", "[y-b]", "[]-a]", "[!]a-]", "[\\]]", "[\\a-\\c]", "[--/]", "[]", "[!]",
        "[a",
      ]
    for bracket in brackets {
      let pattern = NamePattern(ByteString(bracket))
      for byte in UInt8(1)...255 {
        let name: [CChar] = [CChar(bitPattern: byte), 0]
        #expect(
          pattern?.matches(ByteString([byte])) == (fnmatch(bracket, name, FNM_PERIOD) == 0),
          "\(bracket), byte \(byte)")
      }
    }
  }

  @Test("is abandoned if its brackets have an error, or what locales define")
  func abandoned() {
    for bracket in ["[a-", "[[:none:]]", "[[=a=]]", "[[.a.]]", "[a-[.b.]]", "a\\", "[a\\", "*?[a]"]
    {
      #expect(NamePattern(ByteString(bracket)) == nil, "\(bracket)")
    }
  }

  @Test("that matches very many files yields no more than the limit")
  func limit() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; for d in a b c; do mkdir $d; touch $d/{1..999}.conf; done")
    try #require(made.status == 0)
    let found = expanded(ByteString(shell.directory.path + "/*/*.conf"))
    #expect(found?.count == PathPattern.limit)
  }

  @Test("is abandoned if it would take too long, and so are those after it")
  func tooLong() throws {
    let shell = try Shell()
    defer { shell.remove() }
    _ = try shell.run("cd $T; touch {1..9000}")
    var pattern = PathPattern()
    let path = ByteString(shell.directory.path)
    let long = ByteString(String(repeating: "a", count: 300))
    for slow in ["/*a*a*a*a*b", "/*[ab]*[ab]c", "/[" + long + "]*"] as [ByteString] {
      #expect(pattern.expand(path + slow) == nil)
    }
    #expect(pattern.expand(path + "/x*") == [])
    #expect(pattern.expand(path + "/y*") == [])
    #expect(pattern.expand(path + "/z*") == nil)
    #expect(pattern.expand(path + "/z*") == nil)
  }

  @Test("is abandoned if its path is long, even if it contains few files")
  func longWay() {
    let way = ByteString(String(repeating: "/x", count: 30_000))
    #expect(expanded("/no/such" + way + "/*") == nil)
  }

  @Test("matches nothing if a directory is missing, or is a file or a fifo")
  func nothing() throws {
    let shell = try Shell()
    defer { shell.remove() }
    _ = try shell.run("cd $T; touch file; mkfifo fifo")
    for name in ["none", "file", "fifo"] {
      #expect(expanded(ByteString(shell.directory.path + "/\(name)/*")) == [])
    }
  }
}
