package import Text

/// All `listen` directives of a configuration, `include` followed.
///
/// Only those count that nginx obeys: in http, stream or mail, in a `server` of it.
package struct NginxIncludeWalk {
  /// In the order in which nginx reads them.
  package private(set) var directives: [NginxListen] = []
  private var firstWarnings: [Explanation] = []
  private var furtherWarnings = 0

  private let main: ByteString
  private let files: NginxFiles
  private let limits: NginxLimits
  private let isRoot: Bool
  /// With its last slash: what paths in `include` are relative to (ngx_conf_full_name()).
  private let directory: ByteString
  /// Those being read, each included by the one before it.
  private var open: [ByteString] = []
  /// The last of them as printed.
  ///
  /// Made once, because a hostile path is expensive to print.
  private var file = ""
  private var filesRead = 0
  private var includesSeen = 0
  private var bytesRead = 0
  private var context = Context.main
  /// Whether the server being read has a `listen`, or may have one in what could not be read.
  private var hasListen = false
  /// Whether this is what settings inject, and not a whole configuration.
  private var isInjected = false
  /// Whether there are so many directives that the rest is not read.
  package var isFull = false

  /// The block that a directive is in, as far as it matters.
  package enum Context: Equatable, Sendable {
    /// Nothing in it matters.
    case other
    case main
    case servers(NginxServerKind)
    case server(NginxServerKind)
  }

  /// Reads a configuration.
  ///
  /// - Parameters:
  ///   - main: the main file. Its directory is what `include` is relative to.
  ///   - isRoot: whether nginx's master runs as root (its real user): an http server without
  ///     `listen` then has port 80, else 8000.
  package init(
    main: ByteString, isRoot: Bool, files: NginxFiles, limits: NginxLimits = NginxLimits()
  ) {
    self.files = files
    self.limits = limits
    self.isRoot = isRoot
    let name = main.bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    directory = ByteString(Array(main.bytes[..<name]))
    self.main = main
    read(main, includedAt: nil)
  }

  /// Reads nothing yet: for ``read(_:in:source:)``.
  ///
  /// - Parameter prefix: the directory of Kong's main file.
  package init(
    injectedInto prefix: ByteString, isRoot: Bool, files: NginxFiles, limits: NginxLimits
  ) {
    self.files = files
    self.limits = limits
    self.isRoot = isRoot
    directory = prefix + "/"
    main = directory + "nginx.conf"
    isInjected = true
  }

  /// Reads statements that a setting injects into a block.
  package mutating func read(_ statements: [UInt8], in block: Context, source: String) {
    file = source
    context = block
    read(statementsOf: NginxConfiguration(statements))
  }

  // MARK: Files

  private mutating func read(_ path: ByteString, includedAt line: Int?) {
    do throws(NginxListen.Fault) {
      let configuration = NginxConfiguration(try content(of: path))
      let includer = file
      file = path.shortened
      open.append(path)
      read(statementsOf: configuration)
      open.removeLast()
      file = includer
    } catch {
      hasListen = true
      guard line != nil || error != NginxIncludeWalk.absent else {
        firstWarnings.append(noMain)
        return
      }
      warn { reader in
        let source = line.map { "\(reader.here($0)): " } ?? ""
        return ("\(source)\(path.shortened) is not read", error.reason)
      }
    }
  }

  private mutating func content(of path: ByteString) throws(NginxListen.Fault) -> [UInt8] {
    if open.contains(path) { throw NginxListen.Fault(reason: "it includes itself") }
    guard open.count < limits.depth else {
      throw NginxListen.Fault(reason: "includes are nested more than \(limits.depth) deep")
    }
    guard filesRead < limits.files else {
      throw NginxListen.Fault(reason: "\(filesRead) files were read before it, which is the limit")
    }
    let rest = limits.allBytes - bytesRead
    filesRead += 1
    switch files.read(path, min(limits.fileBytes, rest)) {
    case .bytes(let bytes):
      bytesRead += bytes.count
      return bytes
    case .absent: throw NginxIncludeWalk.absent
    case .unreadable(let reason): throw NginxListen.Fault(reason: reason)
    case .tooLarge:
      throw NginxListen.Fault(
        reason: rest < limits.fileBytes
          ? "with it, all files have more than \(limits.allBytes) bytes"
          : "it has more than \(limits.fileBytes) bytes")
    }
  }

  private static let absent = NginxListen.Fault(reason: "there is no such file")

  private var noMain: Explanation {
    Explanation(
      what: "kong prepare left no \(main), and nginx does not start without it",
      why: "it exited with status 0: it prepared another prefix, or is not Kong's own program",
      waysOut: ["see what it does: kong prepare --vv"])
  }

  private mutating func include(_ word: NginxWord, in configuration: NginxConfiguration, line: Int)
  {
    includesSeen += 1
    guard includesSeen <= limits.files else {
      let limit = limits.files
      return leaveInclude(line, "there are \(limit) before it, which is the limit")
    }
    let name = configuration.value(of: word)
    // C's strings end at a NUL, and so do nginx's paths.
    var path = ByteString(Array(name.bytes.prefix { $0 != 0 }))
    if path.bytes.first != UInt8(ascii: "/") { path = directory + path }
    guard path.bytes.count < limits.path else {
      let limit = limits.path - 1
      return leaveInclude(line, "its path has more than \(limit) bytes")
    }
    guard let paths = path.isPattern ? files.matching(path) : [path] else {
      return leaveInclude(
        line,
        "the files that match its pattern are not known: there are too many to search, or its brackets"
          + " are unusual")
    }
    for path in paths where !isFull { read(path, includedAt: line) }
  }

  private mutating func leaveInclude(_ line: Int, _ why: @autoclosure () -> String) {
    hasListen = true
    warn { ("\($0.here(line)): \"include\" is not followed", why()) }
  }

  // MARK: Statements

  private mutating func read(statementsOf configuration: NginxConfiguration) {
    var configuration = configuration
    // The open blocks of this file that matter: they are ended where they began.
    var blocks: [(depth: Int, outer: Context, line: Int)] = []
    let outer = context
    do throws(NginxSyntaxError) {
      while !isFull, let statement = try configuration.next() {
        switch statement {
        case .directive(let directive):
          // Inside a block that does not matter, nothing does.
          let depth = configuration.depth - (directive.opensBlock ? 1 : 0)
          guard depth == (blocks.last?.depth ?? 0) else { continue }
          if directive.opensBlock {
            guard let inner = inner(configuration) else { continue }
            blocks.append((configuration.depth, context, directive.line))
            context = inner
            if case .server = inner { hasListen = false }
          } else {
            obey(directive, in: configuration)
          }
        case .blockEnd:
          guard let block = blocks.last, configuration.depth < block.depth else { continue }
          end(block.line)
          context = block.outer
          blocks.removeLast()
        }
      }
    } catch {
      hasListen = true
      warn { reader in
        let rest = reader.isInText ? "what follows" : "the rest of the file"
        return ("\(reader.here(error.line)): \(rest) is not read", error.reason)
      }
    }
    context = outer
  }

  /// Where the directive's block leads; nil where nothing in it matters.
  private func inner(_ configuration: NginxConfiguration) -> Context? {
    let name = configuration.words[0]
    switch context {
    case .main:
      if configuration.isWord(name, "http") { return .servers(.http) }
      if configuration.isWord(name, "stream") { return .servers(.stream) }
      return configuration.isWord(name, "mail") ? .servers(.mail) : nil
    case .servers(let kind): return configuration.isWord(name, "server") ? .server(kind) : nil
    case .server, .other: return nil
    }
  }

  /// Whether what is read now is a setting's text, and not a file.
  private var isInText: Bool { isInjected && open.isEmpty }

  /// Where a directive stands, for a message.
  private func here(_ line: Int) -> String { isInText ? file : "\(file):\(line)" }

  private mutating func obey(_ directive: NginxDirective, in configuration: NginxConfiguration) {
    let words = configuration.words
    let name = words[0]
    if context == .other { return }
    if configuration.isWord(name, "include") {
      guard words.count == 2 else {
        return leaveInclude(directive.line, "it does not have one argument")
      }
      include(words[1], in: configuration, line: directive.line)
    } else if configuration.isWord(name, "listen"), case .server(let kind) = context {
      hasListen = true
      let arguments = words.dropFirst().prefix(NginxListen.argumentLimit).map(configuration.value)
      add(
        NginxListen(
          file: file, line: isInText ? 0 : directive.line, server: kind, arguments: arguments))
    }
  }

  /// A block ends; if it is an http server without `listen`, that means something.
  private mutating func end(_ line: Int) {
    guard context == .server(.http), !hasListen else { return }
    add(
      NginxListen(
        file: file, line: isInText ? 0 : line, server: .http,
        arguments: [isRoot ? "0.0.0.0:80" : "0.0.0.0:8000"]))
  }

  private mutating func add(_ listen: NginxListen) {
    if directives.count < limits.listens {
      directives.append(listen)
    } else {
      isFull = true
      warn {
        (
          "\(listen.source): what follows is not read",
          "there are \($0.limits.listens) \"listen\" directives before it, which is the limit"
        )
      }
    }
  }

  // MARK: Warnings

  /// What could not be read or understood, so that a directive may be missing.
  package var warnings: [Explanation] {
    guard furtherWarnings > 0 else { return firstWarnings }
    return firstWarnings + [
      Explanation(
        what: "\(main): further warnings are not shown",
        why: "there are \(furtherWarnings) more",
        waysOut: ["run nginx -t -c \(main), which prints what it refuses"])
    ]
  }

  /// - Parameter text: is called only where the warning is kept: there can be a million.
  package mutating func warn(_ text: (NginxIncludeWalk) -> (what: String, why: String)) {
    guard firstWarnings.count < limits.warnings else {
      furtherWarnings += 1
      return
    }
    let beginning = isInjected ? "not all listeners are known before kong prepare has run: " : ""
    let text = text(self)
    firstWarnings.append(
      Explanation(
        what: beginning + text.what, why: text.why,
        waysOut: [
          "correct it if nginx should listen there",
          "set SET_CAP_NET_BIND_SERVICE=1 if nginx listens there, on a port that needs it",
        ]))
  }
}
