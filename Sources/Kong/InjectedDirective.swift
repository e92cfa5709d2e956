import Nginx
import Text

/// A block of Kong's nginx configuration that settings inject directives into: with
/// KONG_NGINX_HTTP_INCLUDE an `include` goes into `http { }` (kong/conf_loader/constants.lua).
package enum NginxBlock: CaseIterable, Sendable {
  case main
  case events
  case http
  case upstream
  /// The server of the proxy.
  case proxy
  case location
  case status
  case admin
  case stream
  case supstream
  /// The servers of the stream proxy.
  case sproxy

  /// What the names of its variables begin with.
  private var prefix: String {
    switch self {
    case .main: "KONG_NGINX_MAIN_"
    case .events: "KONG_NGINX_EVENTS_"
    case .http: "KONG_NGINX_HTTP_"
    case .upstream: "KONG_NGINX_UPSTREAM_"
    case .proxy: "KONG_NGINX_PROXY_"
    case .location: "KONG_NGINX_LOCATION_"
    case .status: "KONG_NGINX_STATUS_"
    case .admin: "KONG_NGINX_ADMIN_"
    case .stream: "KONG_NGINX_STREAM_"
    case .supstream: "KONG_NGINX_SUPSTREAM_"
    case .sproxy: "KONG_NGINX_SPROXY_"
    }
  }

  /// The block and the length of the prefix of a variable's name; nil for a variable that injects
  /// nothing.
  static func of(_ name: Span<UInt8>) -> (block: NginxBlock, prefixLength: Int)? {
    // Asked of every variable there is.
    guard name.count > 11, name[5] == UInt8(ascii: "N"), name[10] == UInt8(ascii: "_") else {
      return nil
    }
    for block in allCases {
      let prefix = block.prefix
      let length = prefix.utf8.count
      if name.count > length, name.begins(with: prefix) { return (block, length) }
    }
    return nil
  }

  /// Whether Kong 1.x has it; from 2.x on there are all.
  var isInFirstVersion: Bool {
    switch self {
    case .http, .proxy, .admin, .stream, .sproxy: true
    case .main, .events, .upstream, .location, .status, .supstream: false
    }
  }
}

/// A directive that a setting puts into Kong's nginx configuration.
package struct InjectedDirective: Equatable, Sendable {
  /// The variable, or "PATH:LINE" of kong.conf.
  var source: String
  var block: NginxBlock
  /// Its name: "include".
  var name: String
  /// What stands between its name and the semicolon.
  var value: ByteString
  /// Whether no variable says it.
  var isOnlyInFile: Bool

  /// What a variable injects; nil where it injects nothing.
  private init?(variable: String, value: ByteString, source: String, isOnlyInFile: Bool) {
    guard !value.bytes.allSatisfy(isLuaBlank), value != "NONE" else { return nil }
    guard let (block, length) = NginxBlock.of(variable.utf8.span) else { return nil }
    self.block = block
    self.name = String(variable.dropFirst(length)).lowercasedASCII
    (self.source, self.value, self.isOnlyInFile) = (source, value, isOnlyInFile)
  }

  /// All of them, those of variables first.
  package static func all(
    _ environment: Environment, _ file: KongFiles.ConfigurationFile?
  ) -> [InjectedDirective] {
    let variables = environment.variables.filter { NginxBlock.of($0.name.utf8.span) != nil }
    var directives = variables.compactMap {
      InjectedDirective(
        variable: $0.name, value: $0.value, source: $0.name, isOnlyInFile: false)
    }
    for setting in file?.configuration.settings ?? [] where setting.injects {
      // A variable beats the file, even with nothing in it.
      if variables.contains(where: { setting.hasVariable($0.name) }) { continue }
      if let directive = InjectedDirective(
        variable: setting.variable, value: setting.value,
        source: "\(file?.path.shortened ?? ""):\(setting.line)", isOnlyInFile: true)
      {
        directives.append(directive)
      }
    }
    return directives
  }
}

extension KongConfiguration.Setting {
  fileprivate var injects: Bool {
    hasPlainName && name.utf8.begins(with: "nginx_") && NginxBlock.of(variable.utf8.span) != nil
  }
}
