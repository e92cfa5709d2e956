@testable import Nginx
@testable import Plan
@testable import Text
import Testing

@Suite("The files that an nginx configuration names")
struct NginxFileUseTests {
  /// "PURPOSE PATH DIRECTIVE SOURCE" of each, for files given by path.
  private func uses(_ texts: [ByteString: String]) -> [String] {
    let files = NginxFiles(
      matching: { pattern in
        let start = pattern.bytes.prefix { $0 != UInt8(ascii: "*") }
        return texts.keys.filter { $0.bytes.starts(with: start) }.sorted { "\($0)" < "\($1)" }
      },
      read: { path, limit in
        guard let bytes = texts[path].map({ Array($0.utf8) }) else { return .absent }
        return bytes.count <= limit ? .bytes(bytes) : .tooLarge
      })
    return NginxFileUses(main: "/p/nginx.conf", files: files).uses.map {
      "\($0.purpose) \($0.path) \($0.directive) \($0.source)"
    }
  }

  @Test("are logs, keys, directories and sockets, in all blocks and includes, each once")
  func all() {
    let main = """
      pid pids/nginx.pid;
      error_log logs/error.log notice;
      http {
        include 'nginx-kong.conf';
        include conf.d/*.conf;
        include missing.conf;
      }
      """
    let kong = """
      lua_ssl_trusted_certificate '/p/.ca_combined';
      client_body_temp_path temp 1 2;
      server {
        listen 0.0.0.0:8000;
        listen unix:/p/sockets/we;
        ssl_certificate_key /certs/server.key;
        ssl_certificate "/certs/server.crt";
        access_log /tmp/access.log basic;
        error_log logs/error.log;
        location / { access_log /srv/l.log; }
      }
      """
    #expect(
      uses([
        "/p/nginx.conf": main, "/p/nginx-kong.conf": kong, "/p/conf.d/a.conf": "ssl_crl crl;",
      ]) == [
        "write /p/pids/nginx.pid pid /p/nginx.conf:1",
        "write /p/logs/error.log error_log /p/nginx.conf:2",
        "read /p/nginx-kong.conf include /p/nginx.conf:4",
        "read /p/.ca_combined lua_ssl_trusted_certificate /p/nginx-kong.conf:1",
        "directory /p/temp client_body_temp_path /p/nginx-kong.conf:2",
        "socket /p/sockets/we listen /p/nginx-kong.conf:5",
        "read /certs/server.key ssl_certificate_key /p/nginx-kong.conf:6",
        "read /certs/server.crt ssl_certificate /p/nginx-kong.conf:7",
        "write /tmp/access.log access_log /p/nginx-kong.conf:8",
        "write /srv/l.log access_log /p/nginx-kong.conf:10",
        "read /p/crl ssl_crl /p/conf.d/a.conf:1",
        "read /p/missing.conf include /p/nginx.conf:6",
      ])
  }

  @Test(
    "do not include words that stand for something else",
    arguments: [
      "access_log off;", "error_log stderr;", "error_log syslog:server=127.0.0.1;",
      "error_log memory:32m;", "access_log /var/log/$host.log;", "ssl_certificate data:$pem;",
      "ssl_certificate_key engine:pkcs11:x;", "listen 80;", "server_name /x;", "error_log;",
      "content_by_lua_block { access_log /x; }", "access_log \"|/bin/x\";", "}",
      "ssl_certificate \"x",
    ])
  func none(text: String) {
    #expect(uses(["/p/nginx.conf": text]).isEmpty)
  }

  @Test("are limited, whatever includes itself or has a million directives")
  func bounds() {
    let many = (0..<5000).map { "access_log /l\($0);\n" }.joined()
    #expect(uses(["/p/nginx.conf": many]).count == 1000)
    #expect(uses(["/p/nginx.conf": "include nginx.conf; pid a;"]).count == 2)
  }

  @Test(
    "are reported with owner, mode and the way out, before prepare for a log in the environment"
  )
  func closedLog() throws {
    var host = Situation.host(Situation.user())
    let entry = PathEntry(path: "/srv/logs", kind: .directory, uid: 0, gid: 0, mode: 0o755)
    let variables = [
      "KONG_PROXY_ACCESS_LOG": "/srv/logs/access.log basic", "KONG_ADMIN_ACCESS_LOG": "off",
      "KONG_STATUS_ERROR_LOG": "logs/status.log",
    ]
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(variables))
    let logs = request.logFiles
    #expect(
      logs.map(\.path).sorted { "\($0)" < "\($1)" }
        == ["/srv/logs/access.log", "/usr/local/kong/logs/status.log"])
    host.denials = logs.map {
      .writingLog($0, $0.path == "/srv/logs/access.log" ? .denied(entry) : .missing)
    }
    let warnings = try Situation.plan(variables, on: host).prepareWarnings
    try #require(warnings.count == 1)
    #expect(
      warnings[0].what
        == "nginx cannot write /srv/logs/access.log, which KONG_PROXY_ACCESS_LOG names")
    #expect(
      warnings[0].why
        == "kong (1337:0) cannot write /srv/logs: it has uid 0, gid 0, mode 0755")
    #expect(warnings[0].waysOut.first == "KONG_PROXY_ACCESS_LOG=/dev/stdout")
  }

  @Test("and an IPv6 listener without IPv6 ends the start, if Kong certainly opens it")
  func noIPv6() throws {
    var host = Situation.host(Situation.user())
    host.hasIPv6 = false
    let failure = try #require(
      try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:8000, [::]:8000"], on: host).failure)
    #expect(failure.status == 77)
    #expect(
      failure.explanation?.what
        == "nginx cannot listen on KONG_PROXY_LISTEN [::]:8000: socket() fails (97: Address family not"
        + " supported by protocol)")
    #expect(failure.explanation?.waysOut.first?.hasPrefix("listen on IPv4 only") == true)
    #expect(try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host).failure == nil)
    // A template may omit it.
    host.files.template = "/x"
    let doubtful = try Situation.plan(["KONG_PROXY_LISTEN": "[::]:8000"], on: host)
    host.files.template = nil
    #expect(doubtful.failure == nil)
    #expect(doubtful.prepareWarnings.contains { $0.what.contains("[::]:8000: socket() fails") })
    // A control plane has no proxy.
    #expect(
      try Situation.plan(
        ["KONG_PROXY_LISTEN": "[::]:8000", "KONG_ROLE": "control_plane"], on: host
      ).failure == nil)
  }

  @Test("and impossible listeners are reported with the setting that names them")
  func listener() {
    let generated = Listener(
      source: "/p/nginx-kong.conf:3",
      address: .inet(host: "[0000:0000:0000:0000:0000:0000:0000:0000]", port: 80))
    let setting = Listener(
      source: "KONG_PROXY_LISTEN", address: .inet(host: "[::]", port: 80), flags: ["ssl"])
    let user = TargetUser(name: "kong", uid: 1337, gid: 0, groups: [], home: "/")
    let said = { (listeners: [Listener]) in
      NginxObstacle.noIPv6(generated).naming(listeners).explanation(for: user, isRoot: false).what
    }
    #expect(
      said([setting]).hasPrefix(
        "nginx cannot listen on KONG_PROXY_LISTEN [::]:80 ssl: socket() fails (97: "))
    let other = Listener(source: "KONG_ADMIN_LISTEN", address: .inet(host: "0.0.0.0", port: 80))
    #expect(said([other]).hasPrefix("nginx cannot listen on /p/nginx-kong.conf:3 [0000:"))
  }
}
