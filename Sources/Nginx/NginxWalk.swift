import Text

/// A way through all directives of a configuration, whichever block they are in, `include` followed.
///
/// It goes as far as possible: nginx itself reports what is wrong.
struct NginxWalk {
  /// With its slash: what paths are relative to (ngx_conf_full_name).
  let directory: ByteString

  private let main: ByteString
  private let files: NginxFiles
  private let limits: NginxLimits
  private var filesRead = 0
  private var bytesRead = 0

  /// A way that begins at the main file.
  init(main: ByteString, files: NginxFiles, limits: NginxLimits) {
    (self.main, self.files, self.limits) = (main, files, limits)
    let name = main.bytes.reversed().prefix { $0 != UInt8(ascii: "/") }
    directory = ByteString(Array(main.bytes.dropLast(name.count)))
  }

  /// Visits each directive that has an argument, an `include` before what it includes.
  ///
  /// - Parameter look: gets the directive as the configuration's words, and where it stands: "FILE:LINE".
  mutating func visit(_ look: (_ configuration: NginxConfiguration, _ source: String) -> Void) {
    read(main, depth: 0, look)
  }

  private mutating func read(
    _ path: ByteString, depth: Int,
    _ look: (_ configuration: NginxConfiguration, _ source: String) -> Void
  ) {
    guard depth < limits.depth, filesRead < limits.files,
      case .bytes(let bytes) = files.read(
        path, min(limits.fileBytes, limits.allBytes - bytesRead))
    else { return }
    filesRead += 1
    bytesRead += bytes.count
    var configuration = NginxConfiguration(bytes)
    do throws(NginxSyntaxError) {
      while let statement = try configuration.next() {
        guard case .directive(let directive) = statement, configuration.words.count > 1 else {
          continue
        }
        look(configuration, "\(path.shortened):\(directive.line)")
        guard configuration.isWord(configuration.words[0], "include") else { continue }
        let included = configuration.value(of: configuration.words[1]).absolute(in: directory)
        let paths = included.isPattern ? files.matching(included) ?? [] : [included]
        for path in paths { read(path, depth: depth + 1, look) }
      }
    } catch {
      return
    }
  }
}

extension ByteString {
  /// The path, or what it is in a directory, which ends in a slash.
  func absolute(in directory: ByteString) -> ByteString {
    bytes.first == UInt8(ascii: "/") ? self : directory + self
  }
}
