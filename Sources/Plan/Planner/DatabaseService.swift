package import Kong
import Nginx
package import Services
package import Text

/// Where Kong's settings say that its database is.
package struct DatabaseService {
  private let request: Request
  private let files: KongFiles

  /// Looks into the environment, and then into kong.conf, as Kong does.
  package init(_ request: Request, files: KongFiles) {
    self.request = request
    self.files = files
  }

  /// Whether Kong is told to use no database.
  var isOff: Bool { setting("database").value == "off" }

  /// The service to wait for; nil if Kong is told to use no database.
  ///
  /// - Throws: ``StartFailure`` if only Kong can find out where it is, or if it is not PostgreSQL.
  package func service() throws(StartFailure) -> Service? {
    if isOff { return nil }
    let database = setting("database")
    guard database.value == nil || database.value == "postgres" else {
      throw failure(
        "\(database.source) is neither postgres nor off", "only PostgreSQL's settings are read")
    }
    let host = try known(setting("pg_host"))
    let port = try known(setting("pg_port"))
    let encrypts = try known(setting("pg_ssl")).value
    guard
      let address = ServiceAddress(
        host: host.value?.bytes[...] ?? ArraySlice("127.0.0.1".utf8),
        port: port.value?.bytes[...] ?? ArraySlice("5432".utf8))
    else {
      // A value from a secret's file is not shown.
      throw failure(
        "\(host.source) and \(port.source) do not name a host and a port", ServiceAddress.rule)
    }
    return Service(
      address: address,
      kind: .postgreSQL(
        user: name(setting("pg_user")), database: name(setting("pg_database")),
        encrypts: ["on", "true", "1"].contains(encrypts)),
      origin: host.source)
  }

  /// A setting's value, nil where it is the default, and what names it.
  private typealias Found = (value: ByteString?, source: String)

  private func setting(_ name: String) -> Found {
    let variable = "KONG_\(name.uppercasedASCII)"
    // Even where it is set to nothing, it beats the file.
    if let value = request.environment[variable] { return (value.isEmpty ? nil : value, variable) }
    if let file = files.configuration, let value = file.configuration[name], !value.isEmpty {
      return (value, "\(name) in \(file.path)")
    }
    return (nil, "the default of \(variable)")
  }

  /// The same setting, unless its value is nothing that can be known here.
  private func known(_ setting: Found) throws(StartFailure) -> Found {
    if let value = setting.value, ListenParser.isReference(value.bytes[...]) {
      throw failure(
        "\(setting.source) is a reference to a vault", "only Kong can resolve it")
    }
    if setting.value == nil {
      if let unread = files.unread {
        throw failure("\(unread.path) cannot be read", unread.reason)
      }
      // Of a command that is not Kong's, secrets are not read.
      let file = setting.source.split(separator: " ").last.map { "\($0)_FILE" } ?? ""
      if request.environment.nonEmpty(file) != nil, !request.isKong {
        throw failure(
          "\(file) names a file",
          "files are read for a command that begins with the word kong")
      }
    }
    return setting
  }

  /// What Kong logs in as, or its default where that is for Kong to find out: no password is sent, so that
  /// the server does not get as far as looking.
  private func name(_ setting: Found) -> ByteString {
    guard let value = setting.value, value.bytes.first != UInt8(ascii: "{"), value.bytes.count < 64
    else { return "kong" }
    return value
  }

  private func failure(_ what: String, _ why: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "the address of Kong's database cannot be known: \(what)", why: why,
      waysOut: ["name it in place of the word database: --wait-for HOST:PORT"])
  }
}
