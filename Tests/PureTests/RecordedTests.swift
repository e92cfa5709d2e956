@testable import Kong
@testable import Nginx
@testable import Plan
@testable import Text
import Foundation
import Testing

/// What real Kongs did: 1.3.0, 2.8.5, 3.4.2 and 3.9.3, each with `kong prepare` and its `nginx -t`.
///
/// `configurations.json` has settings, whether `kong prepare` accepted them, and the sockets that
/// nginx then opened (those in the file system are ignored). `listen-values.json` has values of a
/// `*_listen` setting and how the parser of 3.9.3 reads them in an http and in a stream setting;
/// null: it refuses them. `nginxRefuses` names those of the two that nginx 1.22 refused then, if
/// every host name could be resolved.
@Suite("In the records of real Kongs,")
struct RecordedTests {
  // MARK: settings

  @Test(
    "the start is refused, or its listeners are predicted or reported as unknown",
    arguments: try Recorded.read("configurations", as: RecordedStart.self))
  func configuration(recorded: RecordedStart) throws {
    let plan = try recorded.plan()
    let warnings = plan.launchWarnings.map { "\($0.what): \($0.why)" }
    guard recorded.prepares else {
      if RecordedStart.failuresOfOthers.keys.contains(recorded.case) {
        #expect(plan.failure == nil)
      } else if recorded.case == "transparent-3x" {
        // Explained rather than refused: who writes it wants what Kong 1.x did with it.
        #expect(plan.needs.map(\.capability) == [.netBindService, .netRaw])
      } else if recorded.case == "vault-missing" {
        #expect(warnings.contains { $0.contains("KONG_PROXY_LISTEN are not known") })
      } else {
        #expect(plan.failure?.status == 78)
      }
      return
    }
    let predicted = Set(plan.listeners.map { ListenerSocket($0) })
    let opened = Set(recorded.sockets.map(Recorded.socket))
    #expect(plan.failure == nil)
    #expect(predicted.count == plan.listeners.count)
    if let unknown = RecordedStart.unknownBefore[recorded.case] {
      #expect(
        warnings.contains { $0.contains(unknown) && $0.contains("before kong prepare has run") })
      // If the role is unknown, the listeners of every role are expected.
      #expect(recorded.case != "role-vault" || predicted.isSuperset(of: opened))
    } else {
      #expect(predicted == opened)
      #expect(warnings.isEmpty)
    }
  }

  // MARK: values

  @Test(
    "a value of a *_listen setting is accepted or refused as by Kong 3.9.3 and nginx",
    arguments: try Recorded.read("listen-values", as: RecordedValue.self))
  func value(recorded: RecordedValue) throws {
    if recorded.value.contains("{vault://") || recorded.value.contains("transparent") { return }
    for (variable, kind, expected) in [
      ("KONG_PROXY_LISTEN", "http", recorded.http),
      ("KONG_STREAM_LISTEN", "stream", recorded.stream),
    ] {
      let grammar = ListenParser.Grammar(of: variable, in: .third)
      let listeners = try? ListenParser.parse(
        ByteString(recorded.value), source: variable, grammar: grammar)
      guard let expected else {
        #expect(listeners == nil, "Kong refuses it in \(variable)")
        continue
      }
      // A start finds out what nginx refuses.
      if recorded.nginxRefuses?.contains(kind) == true { continue }
      let endpoints = listeners?.map { $0.endpoint }
      let same = try expected.map { entry in
        try ListenParser.parse(ByteString(entry), source: variable, grammar: grammar)
      }.flatMap { $0 }
      #expect(endpoints != nil, "Kong takes it in \(variable)")
      #expect(listeners?.map { ListenerSocket($0) } == same.map { ListenerSocket($0) })
    }
  }

  @Test("most of what nginx refuses, and Kong's parser accepts, is refused, too")
  func nginx() throws {
    let values = try Recorded.read("listen-values", as: RecordedValue.self)
      .filter { $0.nginxRefuses?.contains("http") == true }
    let taken = values.map(\.value).filter {
      (try? ListenParser.parse(
        ByteString($0), source: "x", grammar: .init(of: "KONG_PROXY_LISTEN", in: .third))) != nil
    }
    #expect(values.count > 60 && taken == ["transparent 0.0.0.0:80"])
  }
}

/// One recorded start.
struct RecordedStart: Decodable, Sendable, CustomTestStringConvertible {
  var kong: String
  var `case`: String
  var env: [String: String]
  var files: [String: String]?
  var args: [String]?
  var prepares: Bool
  var opens: [String]?
  var listen: [String]?

  var testDescription: String { "\(kong) \(`case`)" }

  /// The sockets that nginx opened, or those of the generated configuration if nobody looked.
  ///
  /// Sockets in the file system are ignored.
  var sockets: [String] {
    let generated = (listen ?? []).map { "tcp \($0.prefix { $0 != " " })" }
    return (opens ?? generated).filter { !$0.hasPrefix("unix ") && !$0.hasPrefix("tcp unix:") }
  }

  /// Settings that prepare failed for and that only Kong can judge.
  static let failuresOfOthers = [
    "log-level-bad": "no setting that a start depends on",
    "ssl-cert-bad": "Kong reads certificates",
    "wasm": "it depends on how nginx was built",
    "name-dash": "only the resolver knows that there is no such host",
    "name-localhost-list": "only the resolver knows that there is no such host",
  ]

  /// What cannot be known before prepare, and the subject of the warning.
  static let unknownBefore = [
    "nginx-conf-template": "--nginx-conf", "role-vault": "KONG_ROLE",
    "vault-whole": "KONG_PROXY_LISTEN", "vault-conf": "/etc/kong/kong.conf:1",
    "vault-element": "KONG_PROXY_LISTEN", "vault-element-first": "KONG_PROXY_LISTEN",
  ]

  func plan() throws -> Plan {
    let defaults = Recorded.defaults(ofKong: kong)
    let files = (self.files ?? [:]).map { ($0.key, Array($0.value.utf8)) }
    let reader = NginxFiles(
      matching: { _ in [] },
      read: { path, _ in
        files.first { ByteString($0.0) == path }.map { .bytes($0.1) } ?? .absent
      })
    var request = try Request(
      command: ["kong", "docker-start"] + (args ?? []).map { ByteString($0) }, options: Options(),
      environment: Situation.environment(env))
    var host = Situation.host(Situation.root())
    host.secrets = .known(
      try request.environment.secretReferences(defaults: defaults).map { file in
        let contents = files.first { ByteString($0.0) == file.path }?.1 ?? []
        return ResolvedSecret(reference: file, secret: try file.secret(fromContents: contents))
      })
    request = request.including(host.secrets)
    host.files = KongFiles(for: request, isRoot: false, files: reader)
    host.files.defaults = defaults
    if let path = request.configurationPath, case .absent = reader.read(path, 1) {
      host.denials = [.readingConfiguration("No such file or directory")]
    }
    return Planner(request: request, snapshot: host).plan()
  }
}

/// One recorded value.
struct RecordedValue: Decodable, Sendable, CustomTestStringConvertible {
  var value: String
  var http: [String]?
  var stream: [String]?
  var nginxRefuses: [String]?

  var testDescription: String { "\"\(value)\"" }
}

enum Recorded {
  static func read<Row: Decodable>(_ name: String, as row: Row.Type) throws -> [Row] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appendingPathComponent("kong/records/\(name).json")
    return try JSONDecoder().decode([Row].self, from: Data(contentsOf: file))
  }

  /// The options that matter here, from the list of a Kong.
  static func defaults(ofKong version: String) -> KongDefaults? {
    let all = ["proxy_listen = 0.0.0.0:8000, 0.0.0.0:8443 ssl", "stream_listen = off"]
    let admin = ["admin_listen = 127.0.0.1:8001, 127.0.0.1:8444 ssl", "pg_password ="]
    let hybrid = ["role = traditional", "cluster_listen = 0.0.0.0:8005"]
    let manager = ["admin_gui_listen = 0.0.0.0:8002, 0.0.0.0:8445 ssl"]
    let own: [String] =
      switch version {
      case "1.3.0": ["nginx_optimizations = on"]
      case "2.8.5": ["nginx_optimizations = on", "status_listen = off"] + hybrid
      case "3.4.2": ["status_listen = off"] + hybrid + manager
      default:
        ["status_listen = 127.0.0.1:8007", "headers_upstream = X-Kong-Request-Id"] + hybrid
          + manager
      }
    let text = "return [[\n" + (all + admin + own).joined(separator: "\n") + "\n]]\n"
    return KongDefaults(Array(text.utf8))
  }

  /// A recorded socket: "tcp 0.0.0.0:80".
  static func socket(_ text: String) -> ListenerSocket {
    let words = text.split(separator: " ").map(String.init)
    let colon = words[1].lastIndex(of: ":") ?? words[1].endIndex
    let port = Int(words[1][colon...].dropFirst()) ?? 0
    return ListenerSocket(
      Listener(
        source: "", address: .inet(host: String(words[1][..<colon]), port: port),
        flags: words[0] == "udp" ? ["udp"] : []))
  }
}
