package import Text

/// A file that an nginx configuration names, and that nginx needs at its start.
package struct NginxFileUse: Hashable, Sendable {
  /// What nginx does with it.
  package enum Purpose: UInt8, Sendable {
    /// Opens it to read.
    case read
    /// Opens it to write, and creates it if it does not exist.
    case write
    /// Creates the directory if it does not exist.
    case directory
    /// Creates a socket, and so needs to write to the directory above it.
    case socket
  }

  /// Its path, absolute if the configuration's is.
  package var path: ByteString
  /// What it is for.
  package var purpose: Purpose
  /// The name of the directive, such as "ssl_certificate_key".
  package var directive: String
  /// Where that stands: "FILE:LINE".
  package var source: String

  /// A file, what it is for, and what names it.
  package init(path: ByteString, purpose: Purpose, directive: String, source: String) {
    self.path = path
    self.purpose = purpose
    self.directive = directive
    self.source = source
  }
}

/// The files that an nginx configuration names, its includes followed.
package struct NginxFileUses {
  /// Each path and purpose once, in the order of the configuration.
  package private(set) var uses: [NginxFileUse] = []

  /// With its slash: what paths are relative to.
  private let directory: ByteString
  /// The paths that are among ``uses``, each with its purpose.
  private var seen: Set<[UInt8]> = []

  /// How many uses are kept; Kong's own configuration has some 30.
  private static let limit = 1000

  /// Reads a configuration as far as possible: nginx itself reports what is wrong with it.
  package init(main: ByteString, files: NginxFiles, limits: NginxLimits = NginxLimits()) {
    var walk = NginxWalk(main: main, files: files, limits: limits)
    directory = walk.directory
    walk.visit { configuration, source in use(configuration, source: source) }
  }

  private mutating func use(_ configuration: NginxConfiguration, source: String) {
    let name = configuration.words[0]
    if configuration.isWord(name, "include") {
      let path = configuration.value(of: configuration.words[1]).absolute(in: directory)
      if !path.isPattern { add(path, .read, "include", source) }
      return
    }
    for (directive, purpose) in NginxFileUses.directives
    where configuration.isWord(name, directive) {
      let value = configuration.value(of: configuration.words[1])
      guard let path = NginxFileUses.path(in: value, for: purpose) else { return }
      add(path.absolute(in: directory), purpose, directive.description, source)
    }
  }

  private mutating func add(
    _ path: ByteString, _ purpose: NginxFileUse.Purpose, _ directive: String, _ source: String
  ) {
    guard uses.count < NginxFileUses.limit, seen.insert([purpose.rawValue] + path.bytes).inserted
    else {
      return
    }
    uses.append(
      NginxFileUse(path: path, purpose: purpose, directive: directive, source: source))
  }

  /// The path in a directive's first argument; nil where it names no file.
  package static func path(
    in value: ByteString, for purpose: NginxFileUse.Purpose
  ) -> ByteString? {
    if purpose == .socket {
      guard value.bytes.starts(with: "unix:".utf8) else { return nil }
      return ByteString(Array(value.bytes.dropFirst(5)))
    }
    // A variable is not known before there is a request, and the rest are no files.
    let others = ["data:", "engine:", "store:", "syslog:", "memory:", "|"]
    guard !value.isEmpty, !value.bytes.contains(UInt8(ascii: "$")), value != "off",
      value != "stderr", !others.contains(where: { value.bytes.starts(with: $0.utf8) })
    else { return nil }
    return value
  }

  /// The directives whose first argument is a file that nginx opens before it serves (nginx, its
  /// modules for http, stream and TLS, and lua-nginx-module).
  private static let directives: [(name: String, purpose: NginxFileUse.Purpose)] = [
    ("error_log", .write), ("access_log", .write), ("pid", .write),
    ("client_body_temp_path", .directory), ("proxy_temp_path", .directory),
    ("fastcgi_temp_path", .directory), ("uwsgi_temp_path", .directory),
    ("scgi_temp_path", .directory), ("listen", .socket),
    ("ssl_certificate", .read), ("ssl_certificate_key", .read), ("ssl_trusted_certificate", .read),
    ("ssl_client_certificate", .read), ("ssl_crl", .read), ("ssl_dhparam", .read),
    ("ssl_password_file", .read), ("ssl_session_ticket_key", .read),
    ("proxy_ssl_certificate", .read), ("proxy_ssl_certificate_key", .read),
    ("proxy_ssl_trusted_certificate", .read), ("grpc_ssl_certificate", .read),
    ("grpc_ssl_certificate_key", .read), ("grpc_ssl_trusted_certificate", .read),
    ("lua_ssl_trusted_certificate", .read), ("load_module", .read),
  ]
}
