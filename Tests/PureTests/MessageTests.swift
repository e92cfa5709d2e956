@testable import Kong
@testable import Nginx
@testable import Plan
@testable import Text
import Testing

@Suite("The answer of a process without privileges")
struct MessageTests {
  private static let listener = Listener(
    source: "/p/nginx.conf:1", address: .inet(host: "0.0.0.0", port: 80), flags: ["ssl", "udp"],
    isOnlyInFile: true)
  private static let warning = Explanation(what: "é", why: "why", waysOut: ["a", "b"])

  private static var generated: GeneratedListeners {
    var others = [listener, listener, listener]
    others[1].address = .portRange(host: "[::]", ports: 1...65535)
    others[2].address = .unix(path: "/p/sockets/we")
    return GeneratedListeners(
      listeners: others, warnings: [warning, Explanation(what: long, why: "", waysOut: [])],
      isCurrent: true)
  }

  private static let long = String(repeating: "é", count: 5000)

  private static var files: KongFiles {
    let text =
      "proxy_listen = 1.1.1.1:80\nrole = \\\n data_plane\nprefix = /p\nnginx_http_include = x\n"
      + "nginx_worker_processes = 3\nmem_cache_size = 9m\n"
    let request = try? Request(
      command: ["kong", "docker-start", "-c", "/k"], options: Options(),
      environment: Situation.environment(["KONG_NGINX_STREAM_INCLUDE": "y"]))
    let files = NginxFiles(
      matching: { _ in nil },
      read: { path, _ in
        switch path {
        case "/k": .bytes(Array(text.utf8))
        case "/usr/local/kong/x": .bytes(Array("server { listen 81; } bad }".utf8))
        case "/usr/local/kong/y": .unreadable("Permission denied")
        default: .absent
        }
      })
    return request.map { KongFiles(for: $0, isRoot: true, files: files) } ?? KongFiles()
  }

  @Test("is what it has read")
  func same() throws {
    let generated = Self.generated
    #expect(GeneratedListeners(message: generated.message) == generated)
    let files = Self.files
    #expect(files.injected?.parts.count == 2)
    let read = try #require(KongFiles(message: files.message))
    #expect(read.injected == files.injected && read.unread == files.unread)
    #expect(read.configuration?.path == "/k")
    let names = ["proxy_listen", "role", "prefix", "nginx_worker_processes", "mem_cache_size"]
    for name in names {
      #expect(files.configuration?.configuration[name] != nil)
      #expect(read.configuration?.configuration[name] == files.configuration?.configuration[name])
    }
    #expect(
      read.configuration?.configuration.listenSettings
        == files.configuration?.configuration.listenSettings)
    let defaults = try #require(KongDefaults(Array("[[proxy_listen = a\npg_host = b\n]]".utf8)))
    for reading in [KongDefaultsReading.absent, .list(defaults), .unusable("no")] {
      #expect(KongDefaultsReading(message: reading.message) == reading)
    }
    #expect(Bool(message: true.message) == true && Bool(message: false.message) == false)
  }

  @Test("is nothing if a byte is missing or superfluous")
  func length() {
    let message = Self.generated.message
    #expect(
      message.indices.allSatisfy { GeneratedListeners(message: Array(message[..<$0])) == nil })
    #expect(GeneratedListeners(message: message + [0]) == nil)
    let files = Self.files.message
    #expect(files.indices.allSatisfy { KongFiles(message: Array(files[..<$0])) == nil })
  }

  @Test(
    "is nothing if no reader could have written it: a line break, port 0, a reversed range, too many"
  )
  func lies() {
    func isRefused(_ change: (inout GeneratedListeners) -> Void) -> Bool {
      var generated = Self.generated
      change(&generated)
      return GeneratedListeners(message: generated.message) == nil
    }
    #expect(!isRefused { _ in })
    #expect(isRefused { $0.listeners[0].origin = "x\nentrypoint: error: forged" })
    #expect(isRefused { $0.listeners[0].flags = ["\u{1b}[2J"] })
    #expect(isRefused { $0.warnings[0].what = "a\u{202e}b" })
    #expect(isRefused { $0.listeners[0].address = .inet(host: "a", port: 0) })
    #expect(isRefused { $0.listeners[0].address = .inet(host: "a", port: 65536) })
    #expect(isRefused { $0.listeners[0].address = .portRange(host: "a", ports: 0...1) })
    #expect(isRefused { $0.listeners[0].flags = [String](repeating: "x", count: 33) })
    #expect(isRefused { $0.listeners[0].flags = [String(repeating: "x", count: 257)] })
    #expect(isRefused { $0.warnings[0].waysOut = [String](repeating: "x", count: 9) })
    #expect(isRefused { $0.warnings[0].why = String(repeating: "x", count: 2101) })
    #expect(
      isRefused { $0.listeners = [Listener](repeating: Self.listener, count: 20_001) })
    #expect(
      isRefused { $0.warnings = [Explanation](repeating: Self.warning, count: 22) })
  }

  @Test("has twelve bytes for each listener that differs from the one before in line and port only")
  func size() {
    let listeners = (1...10_000).map { line in
      Listener(
        source: "/usr/local/kong/nginx-kong.conf", line: line,
        address: .inet(host: "0.0.0.0", port: 10_000 + line), flags: ["ssl", "http2"])
    }
    let generated = GeneratedListeners(listeners: listeners, isCurrent: true)
    #expect(generated.message.count < 10_000 * 12 + 100)
    #expect(GeneratedListeners(message: generated.message) == generated)
  }

  @Test("about a variable's own listeners counts only as far as the variable agrees")
  func claims() throws {
    let inject = "x; server { listen 82 transparent; }"
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(["KONG_NGINX_HTTP_INCLUDE": inject]))
    let claim = Listener(
      source: "KONG_NGINX_HTTP_INCLUDE", address: .inet(host: "0.0.0.0", port: 83),
      flags: ["transparent"])
    let none = NginxFiles(matching: { _ in nil }, read: { _, _ in .absent })
    var files = KongFiles(for: request, isRoot: false, files: none)
    var parts = try #require(files.injected?.parts)
    parts[0].listeners.append(claim)
    files.injected = InjectedListeners(parts: parts)
    files.template = "/forged"
    let believed = files.believed(for: request, isRoot: false)
    let listeners = try #require(believed.injected?.parts.first?.listeners)
    #expect(listeners.map(\.port) == [82, 83])
    #expect(listeners.map(\.isOnlyInFile) == [false, true])
    #expect(believed.template == nil)
  }
}
