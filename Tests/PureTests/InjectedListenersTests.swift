@testable import Kong
@testable import Nginx
@testable import Plan
import Testing

@Suite("What settings add to nginx's configuration")
struct InjectedListenersTests {
  /// The settings of a start, with these files.
  private func settings(
    _ variables: [String: String], _ texts: [String: String] = [:]
  ) throws -> ConfiguredListeners {
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(variables))
    let files = KongFiles(for: request, isRoot: false, files: NginxFiles(texts: texts))
    return try ConfiguredListeners(environment: request.environment, files: files)
  }

  private func listeners(
    _ variables: [String: String], _ texts: [String: String] = [:]
  ) throws -> [String] {
    let settings = try settings(variables, texts)
    #expect(settings.warnings.isEmpty)
    return settings.chosen.map(\.description)
  }

  @Test("contributes the listeners of a file that it includes, with the file as their source")
  func include() throws {
    let texts = [
      "/etc/extra.conf": "# mine\nserver { listen 81; }\nserver { listen [::1]:82 ssl; }"
    ]
    #expect(
      try listeners(["KONG_NGINX_HTTP_INCLUDE": "/etc/extra.conf"], texts) == [
        "/etc/extra.conf:2 0.0.0.0:81", "/etc/extra.conf:3 [::1]:82 ssl",
      ])
  }

  @Test("ends Kong after kong prepare if it is empty and no option, which a warning says before")
  func emptyDirective() throws {
    var host = Situation.host(Situation.root())
    host.files.defaults = KongDefaults(Array("return [[\nnginx_http_charset = UTF-8\n]]".utf8))
    let variables = [
      "KONG_NGINX_HTTP_INCLUDE": "", "KONG_NGINX_PROXY_SEND_TIMEOUT": " ",
      "KONG_NGINX_HTTP_CHARSET": "", "KONG_NGINX_MAIN_DEBUG_POINTS": "NONE", "KONG_NGINX_OTHER": "",
      "KONG_NGINX_HTTP_GZIP": "on",
    ]
    let warnings = try Situation.plan(variables, on: host).prepareWarnings
    #expect(
      warnings.map { $0.what.split(separator: ":").first } == [
        "KONG_NGINX_HTTP_INCLUDE is empty", "KONG_NGINX_PROXY_SEND_TIMEOUT is empty",
      ])
    let reload = try Situation.plan(variables, on: host, command: ["kong", "reload"])
    #expect(reload.prepareWarnings.isEmpty && reload.warnings.isEmpty)
  }

  @Test("is relative to the prefix, may be a pattern, and may include more")
  func paths() throws {
    let texts = [
      "/srv/kong/a/1.conf": "server { listen 81; }", "/srv/kong/a/2.conf": "include more;",
      "/srv/kong/more": "server { listen 82; }",
    ]
    let variables = ["KONG_PREFIX": "/srv/kong", "KONG_NGINX_HTTP_INCLUDE": "a/*.conf"]
    #expect(
      try listeners(variables, texts) == [
        "/srv/kong/a/1.conf:1 0.0.0.0:81", "/srv/kong/more:1 0.0.0.0:82",
      ])
  }

  @Test(
    "can be a listener in a server of Kong's, and more after a semicolon",
    arguments: [
      ("KONG_NGINX_PROXY_LISTEN", "0.0.0.0:87 ssl", ["0.0.0.0:87 ssl"]),
      ("KONG_NGINX_ADMIN_LISTEN", "88", ["0.0.0.0:88"]),
      ("KONG_NGINX_STATUS_LISTEN", "88; listen 89", ["0.0.0.0:88", "0.0.0.0:89"]),
      ("KONG_NGINX_PROXY_CLIENT_MAX_BODY_SIZE", "1m; listen 88", ["0.0.0.0:88"]),
      (
        "KONG_NGINX_HTTP_SERVER", "{ listen 83; } server { listen 84; } charset utf-8",
        ["0.0.0.0:83", "0.0.0.0:84"]
      ),
      ("KONG_NGINX_MAIN_STREAM", "{ server { listen 53 udp; } } env X", ["0.0.0.0:53 udp"]),
      ("KONG_NGINX_HTTP_LISTEN", "88", []), ("KONG_NGINX_PROXY_LISTEN", "NONE", []),
      ("KONG_NGINX_PROXY_LISTEN", "", []), ("KONG_NGINX_LOCATION_LISTEN", "88", []),
      ("KONG_NGINX_UPSTREAM_SERVER", "10.0.0.1", []),
    ] as [(String, String, [String])])
  func directive(variable: String, value: String, expected: [String]) throws {
    #expect(try listeners([variable: value]) == expected.map { "\(variable) \($0)" })
  }

  @Test("counts only if Kong writes the block that it belongs to")
  func blocks() throws {
    let stream = ["KONG_NGINX_STREAM_INCLUDE": "/s", "KONG_NGINX_SPROXY_LISTEN": "87"]
    #expect(try listeners(stream) == [])
    let texts = ["/s": "server { listen 86 udp; }"]
    let on = stream.merging(["KONG_STREAM_LISTEN": "127.0.0.1:9999"]) { $1 }
    #expect(
      try listeners(on, texts) == [
        "KONG_STREAM_LISTEN 127.0.0.1:9999", "KONG_NGINX_SPROXY_LISTEN 0.0.0.0:87",
        "/s:1 0.0.0.0:86 udp",
      ])
    let controlPlane = ["KONG_ROLE": "control_plane", "KONG_NGINX_PROXY_LISTEN": "87"]
    #expect(try listeners(controlPlane) == [])
    let nothing = [
      "KONG_PROXY_LISTEN": "off", "KONG_ADMIN_LISTEN": "off", "KONG_STATUS_LISTEN": "off",
      "KONG_NGINX_HTTP_INCLUDE": "/s",
    ]
    #expect(try listeners(nothing, texts) == [])
  }

  @Test("may be in kong.conf, and a variable beats it")
  func configuration() throws {
    let texts = [
      "/etc/kong/kong.conf":
        "nginx_proxy_listen = 87\nnginx_admin_listen = 88\nNGINX_HTTP_INCLUDE = /x"
    ]
    #expect(
      try listeners(["KONG_NGINX_ADMIN_LISTEN": "89"], texts) == [
        "KONG_NGINX_ADMIN_LISTEN 0.0.0.0:89", "/etc/kong/kong.conf:1 0.0.0.0:87",
      ])
  }

  @Test(
    "causes a warning if it is unreadable or not understood, because it may contain listeners",
    arguments: [
      ("KONG_NGINX_HTTP_INCLUDE", "/none", "/none is not read", "no such file"),
      ("KONG_NGINX_HTTP_INCLUDE", "{vault://env/x}", "KONG_NGINX_HTTP_INCLUDE", "to a vault"),
      ("KONG_NGINX_HTTP_SERVER", "{ listen 80", "what follows is not read", "ends in a"),
      ("KONG_NGINX_EVENTS_X", "1; } http { server { listen 80; }", "what follows", "\"}\""),
      ("KONG_NGINX_PROXY_LISTEN", "a:0", "\"listen\" is not understood", "a:0"),
    ])
  func unknown(variable: String, value: String, what: String, why: String) throws {
    let warnings = try settings([variable: value]).warnings
    #expect(warnings.count == 1)
    let beginning = "not all listeners are known before kong prepare has run: \(variable)"
    #expect(warnings.first?.what.hasPrefix(beginning) == true, "\(warnings)")
    #expect(warnings.first?.what.contains(what) == true, "\(warnings)")
    #expect(warnings.first?.why.contains(why) == true, "\(warnings)")
    #expect(warnings.first?.waysOut.isEmpty == false)
  }

  @Test("gives cap_net_raw to listeners in the variable itself, not to those in a file")
  func transparent() throws {
    let needs = { (variables: [String: String], texts: [String: String]) in
      var host = Situation.host(Situation.root())
      let request = try Request(
        command: ["kong", "docker-start"], options: Options(),
        environment: Situation.environment(variables))
      host.files = KongFiles(for: request, isRoot: false, files: NginxFiles(texts: texts))
      return try Situation.plan(variables, on: host).needs.map(\.capability)
    }
    let direct = ["KONG_NGINX_PROXY_LISTEN": "0.0.0.0:80 transparent"]
    #expect(try needs(direct, [:]) == [.netBindService, .netRaw])
    let file = ["KONG_NGINX_PROXY_INCLUDE": "/x"]
    #expect(try needs(file, ["/x": "listen 0.0.0.0:80 transparent;"]) == [.netBindService])
  }
}
