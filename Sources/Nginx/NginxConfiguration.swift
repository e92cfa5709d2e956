package import Text

/// A directive of an nginx configuration, without what is in its block.
///
/// Its words are those of ``NginxConfiguration/words``, until the next statement is read.
struct NginxDirective: Sendable {
  /// Whether statements follow, up to the ``NginxStatement/blockEnd``.
  var opensBlock: Bool
  /// The line of its name.
  var line: Int
}

/// What stands at one place of an nginx configuration.
enum NginxStatement: Sendable {
  /// A name, arguments, and ";" or "{".
  case directive(NginxDirective)
  /// The "}" of the innermost open block.
  case blockEnd
}

/// An nginx configuration file, read statement after statement.
///
/// There is no tree: a file of 10 MB costs little more than its bytes, and deep blocks no stack.
/// The body of a `*_by_lua_block` is Lua, and skipped.
package struct NginxConfiguration {
  /// How many words of a directive are kept; those that matter here take fewer than 20.
  static let wordLimit = 256

  private var tokenizer: NginxTokenizer
  /// The name and the arguments of the directive read last, the first ``wordLimit`` of them.
  ///
  /// One array for all, as most directives do not matter to anybody.
  package private(set) var words: [NginxWord] = []
  /// How many blocks are open.
  private(set) var depth = 0

  /// Takes the bytes of one file.
  package init(_ bytes: [UInt8]) {
    tokenizer = NginxTokenizer(bytes)
  }

  /// Reads the next statement.
  ///
  /// - Returns: nil at the end of the file.
  /// - Throws: ``NginxSyntaxError`` where nginx would refuse the file. After it there is nothing
  ///   more to read.
  mutating func next() throws(NginxSyntaxError) -> NginxStatement? {
    guard let first = try tokenizer.next() else {
      guard depth == 0 else {
        throw NginxSyntaxError(
          line: tokenizer.line, reason: "the file ends in a block without \"}\"")
      }
      return nil
    }
    switch first {
    case .word(let name): return .directive(try directive(name))
    case .semicolon: throw unexpected(";")
    case .open: throw unexpected("{")
    case .close:
      guard depth > 0 else { throw unexpected("}") }
      depth -= 1
      return .blockEnd
    }
  }

  /// The word with its escapes resolved.
  package func value(of word: NginxWord) -> ByteString {
    ByteString(tokenizer.value(of: word))
  }

  /// Whether a word is this one, which has no quote, backslash or blank.
  ///
  /// What an escape stands for is always one of these, so the bytes as written will do.
  package func isWord(_ word: NginxWord, _ text: String) -> Bool {
    tokenizer.isWord(word.range, text)
  }

  private mutating func directive(_ name: NginxWord) throws(NginxSyntaxError) -> NginxDirective {
    var directive = NginxDirective(opensBlock: false, line: name.line)
    words.removeAll(keepingCapacity: true)
    words.append(name)
    while let token = try tokenizer.next() {
      switch token {
      case .word(let word):
        if words.count < NginxConfiguration.wordLimit { words.append(word) }
      case .semicolon: return directive
      case .open:
        if tokenizer.isLuaBlock(name) {
          try skipLua(from: name.line)
        } else {
          depth += 1
          directive.opensBlock = true
        }
        return directive
      case .close: throw unexpected("}")
      }
    }
    throw NginxSyntaxError(line: name.line, reason: "the file ends in a directive")
  }

  private mutating func skipLua(from line: Int) throws(NginxSyntaxError) {
    var scanner = LuaScanner(tokenizer.bytes, from: tokenizer.position)
    guard let end = scanner.end() else {
      throw NginxSyntaxError(line: line, reason: "the Lua block that begins here has no end")
    }
    tokenizer.skip(to: end, lines: scanner.lines)
  }

  private func unexpected(_ mark: String) -> NginxSyntaxError {
    NginxSyntaxError(line: tokenizer.line, reason: "\"\(mark)\" is unexpected here")
  }
}

extension NginxTokenizer {
  /// Whether the directive's block is Lua; all of them in lua-nginx-module and
  /// stream-lua-nginx-module, and no others, have such a name.
  fileprivate func isLuaBlock(_ name: NginxWord) -> Bool {
    let suffix = "_by_lua_block"
    let start = name.range.upperBound - suffix.utf8.count
    return start > name.range.lowerBound && isWord(start..<name.range.upperBound, suffix)
  }

  fileprivate func isWord(_ range: Range<Int>, _ text: String) -> Bool {
    bytes[range].equals(text)
  }
}
