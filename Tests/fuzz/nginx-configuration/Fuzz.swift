// Feeds bytes to the parser of nginx's configuration, and compares its statements with those of a
// slower one (Reference), written byte by byte after nginx's own states.
//
// A NUL separates files: the first is /main, the others are /a, /b ... for `include`.

/// libFuzzer's entry point.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNginxConfiguration(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  let texts = input.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
  for text in texts {
    let (statements, line) = parsed(text)
    let reference = Reference(text)
    precondition(statements == reference.statements, "other statements than the reference has")
    precondition((line == nil) == (reference.isComplete), "other errors than the reference has")
  }
  checkListeners(texts)
  return 0
}

private struct Statement: Equatable {
  var words: [[UInt8]] = []
  /// ";" or "{" after the words, or "}" without words.
  var mark: UInt8
}

/// All statements, and the line of the error.
private func parsed(_ text: [UInt8]) -> ([Statement], Int?) {
  let lines = 1 + text.count { $0 == 0x0a }
  var statements: [Statement] = []
  var configuration = NginxConfiguration(text)
  var lastLine = 1
  var lastByte = 0
  do throws(NginxSyntaxError) {
    while let statement = try configuration.next() {
      switch statement {
      case .directive(let directive):
        for word in configuration.words {
          precondition(word.range.lowerBound >= lastByte && word.line >= lastLine)
          precondition(word.range.upperBound <= text.count && word.line <= lines)
          lastByte = word.range.upperBound
          lastLine = word.line
        }
        precondition(directive.line == configuration.words[0].line)
        statements.append(
          Statement(
            words: configuration.words.map { configuration.value(of: $0).bytes },
            mark: UInt8(ascii: directive.opensBlock ? "{" : ";")))
      case .blockEnd: statements.append(Statement(mark: UInt8(ascii: "}")))
      }
      precondition(configuration.depth >= 0)
    }
    return (statements, nil)
  } catch {
    precondition((1...lines).contains(error.line), "an error outside of the file")
    return (statements, error.line)
  }
}

private func checkListeners(_ texts: [[UInt8]]) {
  func text(_ path: ByteString) -> [UInt8]? {
    if path == "/main" { return texts.first }
    guard path.bytes.count == 2, path.bytes[1] > 0x60 else { return nil }
    let index = Int(path.bytes[1]) - 0x60
    return index < texts.count ? texts[index] : nil
  }
  let files = NginxFiles(
    matching: { _ in ["/a", "/b"] },
    read: { path, limit in
      guard let text = text(path) else { return .absent }
      return text.count > limit ? .tooLarge : .bytes(text)
    })
  var limits = NginxLimits()
  limits.files = 20
  limits.depth = 4
  let found = NginxIncludeWalk(main: "/main", isRoot: true, files: files, limits: limits)
  for directive in found.directives {
    precondition(
      isListener(directive, text(ByteString(directive.file)) ?? []), "from another directive")
    checkAddress(directive)
  }
  let result = NginxListeners(main: "/main", isRoot: true, files: files, limits: limits)
  precondition(result.listeners.count <= found.directives.count)
  precondition(result.warnings.count <= limits.warnings + 1)
  var sockets: Set<String> = []
  for var listener in result.listeners {
    let transport = listener.transport.rawValue
    listener.flags = []
    precondition(sockets.insert(transport + listener.entry).inserted, "the same socket twice")
  }
  checkInjected(texts.first ?? [], files, limits)
  let uses = NginxFileUses(main: "/main", files: files, limits: limits).uses
  precondition(uses.count <= 1000)
  for use in uses {
    precondition(use.path.bytes.first == UInt8(ascii: "/") || use.purpose == .socket)
    precondition(!use.source.isEmpty && !use.directive.isEmpty)
  }
}

/// The same text as an injected setting: a listener in it comes from the setting, one in a file
/// from the file.
private func checkInjected(_ text: [UInt8], _ files: NginxFiles, _ limits: NginxLimits) {
  for name in ["KONG_NGINX_MAIN_X", "KONG_NGINX_HTTP_SERVER", "KONG_NGINX_SPROXY_LISTEN"] {
    let environment = Environment([
      Environment.Variable(name: name, value: ByteString(text.filter { $0 != 0 }))
    ])
    let found = InjectedListeners(
      InjectedDirective.all(environment, nil), prefix: "", isRoot: true, files: files,
      limits: limits)
    precondition(found.parts.count <= 1)
    for part in found.parts {
      precondition(part.warnings.count <= limits.warnings + 1)
      precondition(part.listeners.allSatisfy { ($0.source == name) != $0.isOnlyInFile })
    }
  }
}

/// Whether the line contains a word that the listener can come from.
private func isListener(_ directive: NginxListen, _ text: [UInt8]) -> Bool {
  var line = 1
  for index in text.indices {
    if line == directive.line, text[index] == UInt8(ascii: "l") || text[index] == UInt8(ascii: "s"),
      text[index...].starts(with: "listen".utf8) || text[index...].starts(with: "server".utf8)
    {
      return true
    }
    if text[index] == 0x0a { line += 1 }
    if line > directive.line { return false }
  }
  return false
}

/// A value that was understood is understood again from its printed form.
private func checkAddress(_ directive: NginxListen) {
  guard var listener = try? directive.listener() else { return }
  let transport = listener.transport
  if let port = listener.port { precondition((1...65535).contains(port)) }
  switch listener.address {
  case .unix(let path) where path.utf8.contains(UInt8(ascii: "\\")): return
  // "listen unix" names a host, "listen unix:80" a path.
  case .inet(let host, _) where host.lowercased() == "unix": return
  default: break
  }
  listener.flags = []
  var again = directive
  again.arguments = [ByteString(listener.entry)] + directive.arguments.dropFirst()
  guard let second = try? again.listener() else { preconditionFailure(listener.entry) }
  precondition(second.address == listener.address && second.transport == transport)
}

/// nginx's grammar as one loop over the bytes, with a flag for each thing that it remembers.
private struct Reference {
  var statements: [Statement] = []
  var isComplete = false
  private var words: [[UInt8]] = []
  private var depth = 0

  init(_ text: [UInt8]) {
    isComplete = read(text) && depth == 0
  }

  private mutating func read(_ text: [UInt8]) -> Bool {
    var word: [UInt8] = []
    var quote: UInt8 = 0
    var isBetween = true
    var isBehindString = false
    var isComment = false
    var isVariable = false
    var index = 0
    while index < text.count {
      let byte = text[index]
      index += 1
      let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a
      if isComment {
        isComment = byte != 0x0a
        continue
      }
      if isBehindString {
        guard isBlank || byte == 0x3b || byte == 0x7b || byte == 0x29 else { return false }
        isBehindString = false
      }
      if isBetween {
        switch byte {
        case _ where isBlank: continue
        case UInt8(ascii: "#"): isComment = true
        case UInt8(ascii: ";"), UInt8(ascii: "{"):
          guard !words.isEmpty else { return false }
          guard end(byte, text, &index) else { return false }
        case UInt8(ascii: "}"):
          guard words.isEmpty, depth > 0 else { return false }
          depth -= 1
          statements.append(Statement(mark: byte))
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
          (quote, isBetween, word, isVariable) = (byte, false, [], false)
        default:
          (quote, isBetween, word) = (0, false, [byte])
          isVariable = byte == UInt8(ascii: "$")
          if byte == UInt8(ascii: "\\"), index < text.count {
            word.append(text[index])
            index += 1
          }
        }
        continue
      }
      if byte == UInt8(ascii: "{"), isVariable {
        word.append(byte)
        continue
      }
      isVariable = byte == UInt8(ascii: "$")
      if byte == UInt8(ascii: "\\") {
        word.append(byte)
        if index < text.count { word.append(text[index]) }
        index += 1
      } else if quote != 0 ? byte == quote : isBlank || byte == 0x3b || byte == 0x7b {
        if words.count < NginxConfiguration.wordLimit { words.append(Reference.resolved(word)) }
        isBetween = true
        isBehindString = quote != 0
        if quote == 0, !isBlank, !end(byte, text, &index) { return false }
      } else {
        word.append(byte)
      }
    }
    return words.isEmpty && isBetween
  }

  private mutating func end(_ mark: UInt8, _ text: [UInt8], _ index: inout Int) -> Bool {
    var mark = mark
    if mark == UInt8(ascii: "{") {
      let suffix = Array("_by_lua_block".utf8)
      if words[0].count > suffix.count, words[0].suffix(suffix.count) == suffix[...] {
        guard let end = Reference.luaEnd(text, index) else { return false }
        index = end
        mark = UInt8(ascii: ";")
      } else {
        depth += 1
      }
    }
    statements.append(Statement(words: words, mark: mark))
    words = []
    return true
  }

  private static func resolved(_ word: [UInt8]) -> [UInt8] {
    var value: [UInt8] = []
    var rest = word[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let next = rest.first else {
        value.append(byte)
        continue
      }
      switch next {
      case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): value.append(next)
      case UInt8(ascii: "t"): value.append(0x09)
      case UInt8(ascii: "r"): value.append(0x0d)
      case UInt8(ascii: "n"): value.append(0x0a)
      default:
        value.append(byte)
        continue
      }
      rest.removeFirst()
    }
    return value
  }

  /// Tries each kind of token at each position, and continues after the one that matched.
  private static func luaEnd(_ text: [UInt8], _ start: Int) -> Int? {
    var index = start
    var level = 1
    while index < text.count {
      if text[index] == UInt8(ascii: "{") { level += 1 }
      if text[index] == UInt8(ascii: "}") { level -= 1 }
      if level == 0 { return index + 1 }
      let isComment = text[index...].starts(with: "--".utf8)
      if let open = longOpen(text, isComment ? index + 2 : index) {
        let close = [UInt8(ascii: "]")] + open + [UInt8(ascii: "]")]
        var end = (isComment ? index + 2 : index) + close.count
        while end < text.count, !text[end...].starts(with: close) { end += 1 }
        guard end < text.count else { return nil }
        index = end + close.count
      } else if isComment {
        index = text[index...].firstIndex(of: 0x0a) ?? index + 1
      } else {
        index = stringEnd(text, index) ?? index + 1
      }
    }
    return nil
  }

  private static func longOpen(_ text: [UInt8], _ start: Int) -> ArraySlice<UInt8>? {
    guard start < text.count, text[start] == UInt8(ascii: "[") else { return nil }
    let equals = text[(start + 1)...].prefix { $0 == UInt8(ascii: "=") }
    return equals.endIndex < text.count && text[equals.endIndex] == UInt8(ascii: "[")
      ? equals : nil
  }

  private static func stringEnd(_ text: [UInt8], _ start: Int) -> Int? {
    let quote = text[start]
    guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
    var rest = text[(start + 1)...]
    while let byte = rest.popFirst(), byte != 0x0a {
      if byte == quote { return rest.startIndex }
      if byte == UInt8(ascii: "\\") {
        guard let next = rest.popFirst(), next != 0x0a else { return nil }
      }
    }
    return nil
  }
}
