@testable import Capabilities
@testable import Kong
@testable import Nginx
@testable import Text
import Testing

@Suite("The listeners of an nginx configuration")
struct NginxListenersTests {
  private func read(
    _ texts: [String: String], main: ByteString = "/p/nginx.conf", isRoot: Bool = true,
    limits: NginxLimits = NginxLimits()
  ) -> NginxListeners {
    NginxListeners(main: main, isRoot: isRoot, files: NginxFiles(texts: texts), limits: limits)
  }

  private func read(_ text: String, isRoot: Bool = true) -> NginxListeners {
    read(["/p/nginx.conf": text], isRoot: isRoot)
  }

  /// The one listener of a server with this directive.
  private func listener(_ listen: String, in kind: String = "http") -> Listener? {
    let result = read("\(kind) { server { listen \(listen); } }")
    #expect(result.listeners.count + result.warnings.count == 1, "\(listen)")
    return result.listeners.first
  }

  @Test(
    "are understood in every form of address",
    arguments: [
      ("80", "0.0.0.0:80"), ("*:80", "0.0.0.0:80"), ("127.0.0.1:80", "127.0.0.1:80"),
      ("127.0.0.1", "127.0.0.1:80"), ("localhost", "localhost:80"), ("a-b", "a-b:80"),
      ("a-80", "a-80:80"), ("my_host.example:0443", "my_host.example:443"), ("*", "0.0.0.0:80"),
      ("[::]:80", "[::]:80"), ("[::1]", "[::1]:80"), ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"),
      ("unix:/usr/local/kong/sockets/we", "unix:/usr/local/kong/sockets/we"),
      ("UNIX:/a:b", "unix:/a:b"), ("unix:a", "unix:a"), ("8000-8010", "0.0.0.0:8000-8010"),
      ("*:80-81", "0.0.0.0:80-81"), ("[::]:1-65535", "[::]:1-65535"), ("h:7-7", "h:7"),
      ("\"127.0.0.1:80\"", "127.0.0.1:80"), ("00000000080", "0.0.0.0:80"),
    ])
  func addresses(listen: String, entry: String) {
    #expect(listener(listen)?.entry == entry)
  }

  @Test("keep their parameters, including those of a later nginx")
  func parameters() {
    let flags = [
      "ssl", "http2", "proxy_protocol", "default_server", "deferred", "bind", "reuseport",
      "backlog=511", "rcvbuf=4k", "sndbuf=4k", "setfib=1", "fastopen=5", "accept_filter=x",
      "ipv6only=on", "so_keepalive=30m::10", "transparent", "of_tomorrow=1",
    ]
    #expect(listener("80 " + flags.joined(separator: " "))?.flags == flags)
  }

  @Test("are UDP with udp and with quic, otherwise TCP, and a path is neither")
  func transports() {
    #expect(listener("443 quic reuseport")?.transport == .udp)
    #expect(listener("53 udp", in: "stream")?.transport == .udp)
    #expect(listener("53-54 udp", in: "stream")?.transport == .udp)
    #expect(listener("443 ssl http2")?.transport == .tcp)
    #expect(listener("unix:/s udp", in: "stream")?.transport == .unix)
  }

  @Test("need the capability of the lowest port of a range")
  func rangeNeeds() {
    #expect(
      listener("1023-2000")?.needs(unprivilegedPortStart: 1024)
        == CapabilitySet(.netBindService))
    #expect(listener("1024-2000")?.needs(unprivilegedPortStart: 1024) == [])
    #expect(
      listener("9000 transparent", in: "stream")?.needs(unprivilegedPortStart: 1024)
        == CapabilitySet(.netRaw))
  }

  @Test(
    "are omitted with a warning that says where and why, if they are not understood",
    arguments: [
      ("$port", "variable"), ("0", "ports from 1"), ("65536", "ports from 1"),
      (":80", "not an address"), ("a:", "ports from 1"), ("a:b", "ports from 1"),
      ("81-80", "ports from 1"), ("80-", "ports from 1"), ("[::1", "not an IPv6 address"),
      ("[:::1]:80", "not an IPv6 address"), ("[::1]80", "ports from 1"),
      ("unix:", "without a path"),
      ("a/b:80", "not an address"), ("http://a", "ports from 1"), ("\"\"", "ports from 1"),
      ("\"a b:80\"", "not an address"), ("\"a\\nb:80\"", "\"a\\x0ab\" is not"), ("", "no address"),
      ("80:80:80", "ports from 1"), ("99999999999999999999999", "ports from 1"),
      ("unix:" + String(repeating: "x", count: 108), "longer than 107 bytes"),
    ])
  func notUnderstood(listen: String, reason: String) throws {
    let result = read("http {\nserver {\nlisten \(listen);\n} }")
    #expect(result.listeners.isEmpty)
    let warning = try #require(result.warnings.first)
    #expect(warning.what == "/p/nginx.conf:3: \"listen\" is not understood")
    #expect(warning.why.contains(reason), "\(warning.why)")
    #expect(result.warnings.count == 1)
  }

  @Test("have no default port outside of http")
  func noDefaultPort() {
    for kind in ["stream", "mail"] {
      #expect(listener("127.0.0.1", in: kind) == nil)
      #expect(listener("[::1]", in: kind) == nil)
      #expect(listener("127.0.0.1:25", in: kind)?.port == 25)
    }
  }

  @Test("are port 80 for an http server without listen if root starts nginx, otherwise port 8000")
  func withoutListen() {
    let text = "http {\n server { }\n}\nstream { server { } } mail { server { } }"
    #expect(read(text).listeners.map(\.description) == ["/p/nginx.conf:2 0.0.0.0:80"])
    #expect(read(text, isRoot: false).listeners.map(\.entry) == ["0.0.0.0:8000"])
  }

  @Test("are only in servers of http, stream and mail")
  func places() {
    let text = """
      listen 1; server { listen 2; } events { listen 3; }
      http { listen 4; upstream u { server 10.0.0.1:5; listen 5; } map $a $b { listen 6; }
        server { location / { listen 7; server { listen 8; } } listen 9; if ($a) { listen 10; } }
        http { server { listen 11; } } types { server { listen 12; } } }
      stream { server { listen 13; } server { listen 14 udp; } }
      mail { server { listen 15; } }
      other { server { listen 16; } }
      """
    let result = read(text)
    #expect(result.listeners.map(\.port) == [9, 13, 14, 15])
    #expect(result.warnings.isEmpty)
  }

  @Test("are one if several servers share a socket, with the first source and all flags")
  func folding() {
    let text = """
      http {
        server { listen 80; listen 443 ssl; }
        server { listen 80 default_server; listen *:80 ssl; listen 443 quic; listen [::]:80; }
      }
      """
    #expect(
      read(text).listeners.map(\.description) == [
        "/p/nginx.conf:2 0.0.0.0:80 default_server ssl", "/p/nginx.conf:2 0.0.0.0:443 ssl",
        "/p/nginx.conf:3 0.0.0.0:443 quic", "/p/nginx.conf:3 [::]:80",
      ])
  }

  @Test("are found in a configuration like Kong's")
  func kong() {
    let result = read(KongConfiguration.files, main: "/usr/local/kong/nginx.conf")
    #expect(
      result.listeners.map(\.description) == [
        "/usr/local/kong/nginx-kong.conf:24 0.0.0.0:80 reuseport backlog=16384",
        "/usr/local/kong/nginx-kong.conf:25 [::]:443 ssl http2 reuseport backlog=16384",
        "/usr/local/kong/nginx-kong.conf:48 127.0.0.1:8001 reuseport",
        "/usr/local/kong/nginx-kong.conf:61 0.0.0.0:8007",
        "/usr/local/kong/nginx-kong.conf:66 unix:/usr/local/kong/sockets/we",
        "/usr/local/kong/nginx-kong-gui-include.conf:2 0.0.0.0:8002",
        "/usr/local/kong/nginx-kong-stream.conf:9 unix:/usr/local/kong/sockets/ss",
        "/usr/local/kong/nginx-kong-stream.conf:18 0.0.0.0:53 udp",
        "/usr/local/kong/nginx-kong-stream.conf:19 0.0.0.0:9000-9010 transparent",
      ])
    #expect(result.warnings.isEmpty, "\(result.warnings)")
  }

  // MARK: include

  @Test(
    "are found through include, relative to the main file's directory, in the surrounding block")
  func include() {
    let files = [
      "/p/nginx.conf": "include main.conf; http { include sub/http.conf; server { include s; } }",
      "/p/main.conf": "stream { server { listen 1; } }",
      "/p/sub/http.conf": "server { listen 2; } include other.conf;",
      "/p/other.conf": "server { include /etc/listen; }",
      "/p/sub/other.conf": "server { listen 99; }",
      "/etc/listen": "listen 3;",
      "/p/s": "listen 4; listen 5;",
    ]
    let result = read(files)
    #expect(
      result.listeners.map(\.description) == [
        "/p/main.conf:1 0.0.0.0:1", "/p/sub/http.conf:1 0.0.0.0:2", "/etc/listen:1 0.0.0.0:3",
        "/p/s:1 0.0.0.0:4", "/p/s:1 0.0.0.0:5",
      ])
    #expect(result.warnings.isEmpty)
  }

  @Test("are found through an include with a pattern, which may match nothing")
  func pattern() {
    let files = [
      "/p/nginx.conf": "http { include conf.d/*.conf; include none-?; include [x; }",
      "/p/conf.d/b.conf": "server { listen 2; }", "/p/conf.d/a.conf": "server { listen 1; }",
    ]
    let result = read(files)
    #expect(result.listeners.map(\.port) == [1, 2])
    #expect(result.warnings.isEmpty)
  }

  @Test("need no include in a block without listeners")
  func includeElsewhere() {
    let text = "http { types { include absent; } server { listen 1; location / { include no; } } }"
    #expect(read(text).warnings.isEmpty)
  }

  @Test("survive a file that is missing, unreadable, broken or includes itself, with a warning")
  func badInclude() {
    let files = [
      "/p/nginx.conf": """
      http {
        include absent.conf;
        include unreadable.conf;
        include broken.conf;
        include loop.conf;
        include a b;
        server { listen 9; }
      }
      """,
      "/p/broken.conf":
        "server { listen 1; }\nserver { listen 2; location {\n} } }\nserver { listen 3;",
      "/p/loop.conf": "server { listen 4; }\ninclude loop.conf;\nserver { listen 5; }",
    ]
    let result = read(files)
    #expect(result.listeners.map(\.port) == [1, 2, 4, 5, 9])
    #expect(
      result.warnings.map { "\($0.what): \($0.why)" } == [
        "/p/nginx.conf:2: /p/absent.conf is not read: there is no such file",
        "/p/nginx.conf:3: /p/unreadable.conf is not read: Permission denied",
        "/p/broken.conf:3: the rest of the file is not read: \"}\" is unexpected here",
        "/p/loop.conf:2: /p/loop.conf is not read: it includes itself",
        "/p/nginx.conf:6: \"include\" is not followed: it does not have one argument",
      ])
    #expect(result.warnings.allSatisfy { !$0.waysOut.isEmpty })
  }

  @Test("are none, with a warning, if there is no configuration")
  func absent() {
    let result = read([:])
    #expect(result.listeners.isEmpty)
    #expect(result.warnings.count == 1)
    #expect(result.warnings[0].what.hasPrefix("kong prepare left no /p/nginx.conf"))
  }

  @Test("are not invented for a server whose listen may be in an unreadable file")
  func unknownListen() {
    #expect(read("http { server { include absent; } }").listeners.isEmpty)
    let files = ["/p/nginx.conf": "http { server { include x; } }", "/p/x": "}"]
    #expect(read(files).listeners.isEmpty)
  }

  @Test("are read within limits, with a warning beyond these")
  func limits() {
    let server = "server { listen 1; } "
    let files = [
      "/p/nginx.conf": "http { include a; include a; include a; include big; }", "/p/a": server,
      "/p/big": String(repeating: server, count: 10),
    ]
    var limits = NginxLimits()
    limits.files = 3
    #expect(read(files, limits: limits).warnings.count == 2)
    limits = NginxLimits()
    limits.fileBytes = 100
    #expect(
      read(files, limits: limits).warnings.map(\.why) == ["it has more than 100 bytes"])
    limits.allBytes = 100
    #expect(
      read(files, limits: limits).warnings.map(\.why) == [
        "with it, all files have more than 100 bytes",
        "with it, all files have more than 100 bytes",
      ])
    limits = NginxLimits()
    limits.listens = 5
    limits.warnings = 2
    #expect(
      read(files, limits: limits).warnings.map(\.why) == [
        "there are 5 \"listen\" directives before it, which is the limit"
      ])
  }

  @Test("are not searched after the last one that counts, and no file is opened for that")
  func stopping() {
    var opened: [ByteString] = []
    let texts: [ByteString: String] = [
      "/p/nginx.conf": "http { include a; include b; include c*; } }",
      "/p/a": "server { listen 1; listen 2; listen 3; include b; } not nginx }",
    ]
    let files = NginxFiles(
      matching: { pattern in
        opened.append(pattern)
        return []
      },
      read: { path, _ in
        opened.append(path)
        return texts[path].map { .bytes(Array($0.utf8)) } ?? .absent
      })
    var limits = NginxLimits()
    limits.listens = 2
    let found = NginxListeners(main: "/p/nginx.conf", isRoot: true, files: files, limits: limits)
    #expect(found.listeners.map(\.port) == [1, 2])
    #expect(found.warnings.map(\.what) == ["/p/a:1: what follows is not read"])
    #expect(opened == ["/p/nginx.conf", "/p/a"])
  }

  @Test(
    "are not searched in more files than the limit, whether they exist, are patterns or neither")
  func includes() {
    var opened = 0
    let files = NginxFiles(
      matching: { _ in
        opened += 1
        return []
      },
      read: { path, _ in
        opened += 1
        let text = String(repeating: "include absent; include a*; ", count: 10)
        return path == "/p/nginx.conf" ? .bytes(Array("http { \(text) }".utf8)) : .absent
      })
    var limits = NginxLimits()
    limits.files = 5
    let found = NginxListeners(main: "/p/nginx.conf", isRoot: true, files: files, limits: limits)
    #expect(opened == 6)
    #expect(found.warnings.last?.why == "there are 5 before it, which is the limit")
  }

  @Test("end, as in nginx, at a word longer than 4095 bytes, quoted or not")
  func longWord() {
    for quote in ["", "\"", "'"] {
      let longest = quote + String(repeating: "\u{e9}", count: 2047) + "a" + quote
      let found = read("http { server { listen 1; } } x \(longest); http { server { listen 2; } }")
      #expect(found.listeners.map(\.port) == [1, 2] && found.warnings.isEmpty)
      let longer = longest.replacing("a", with: "aa")
      let rest = read("http { server { listen 1; } }\nx \(longer); http { server { listen 2; } }")
      #expect(rest.listeners.map(\.port) == [1])
      #expect(rest.warnings.map(\.what) == ["/p/nginx.conf:2: the rest of the file is not read"])
      #expect(
        rest.warnings.map(\.why) == ["the word that begins here has more than 4095 bytes"])
    }
  }

  @Test("that are not understood are quoted by their beginning only")
  func longFault() {
    let word = String(repeating: "\\\u{7f}", count: 1000)
    for listen in [word + ":1", word + "$", "[" + word, "1:" + word, word] {
      let found = read("http { server { listen \(listen); } }")
      #expect(found.warnings.map { $0.why.utf8.count < 1200 } == [true], "\(listen.prefix(9))")
    }
  }

  @Test("are found at any depth of include up to the limit, and a tree of includes ends")
  func depth() {
    var files = ["/p/nginx.conf": "http { include 1; include 1; }"]
    for level in 1...60 { files["/p/\(level)"] = "include \(level + 1); include \(level + 1);" }
    files["/p/31"] = "server { listen 31; }"
    let result = read(files)
    #expect(result.listeners.map(\.port) == [31])
    #expect(result.warnings.count == NginxLimits().warnings + 1)
    files["/p/31"] = "include 32;"
    files["/p/nginx.conf"] = "http { include 1; server { listen 7; } }"
    #expect(read(files).listeners.map(\.port) == [7])
    #expect(read(files).warnings.first?.why == "includes are nested more than 32 deep")
  }

  @Test("are at most twenty thousand, and more only cause a warning")
  func many() {
    let text =
      "http { server {"
      + (0..<20_001).map { "listen 127.\($0 / 256 % 256).\($0 % 256).1:\($0 % 60_000 + 1);" }
      .joined()
      + "} }"
    let found = read(text)
    #expect(found.listeners.count == 20_000)
    #expect(
      found.warnings.map(\.why)
        == ["there are 20000 \"listen\" directives before it, which is the limit"])
  }

  @Test("have no more flags, and no longer ones, than nginx could know")
  func garbage() throws {
    let long = String(repeating: "a", count: 4000)
    let words = (0..<300).map { "w\($0)" }.joined(separator: " ")
    let found = read("http { server { listen 80 \(long) \(words); listen \(long):81; } }")
    let listener = try #require(found.listeners.first)
    #expect(listener.flags.count == 31 && listener.flags[0].utf8.count == 64)
    #expect(found.listeners.count == 1)
    #expect(found.warnings.map { $0.why.utf8.count < 400 } == [true])
  }

  @Test("behind a path that is too long for the kernel are not searched")
  func longPath() {
    let path = "/p/" + String(repeating: "a/", count: 2046) + "b"
    let relative = path.dropFirst(3)
    let found = read(
      [
        "/p/nginx.conf": "include \(relative); include \(relative.dropLast(1))*;",
        path: "http { server { listen 1; } }",
      ])
    #expect(found.listeners.isEmpty && found.warnings.count == 2)
    #expect(found.warnings[0].why == "its path has more than 4095 bytes")
    let shorter = String(path.dropLast(1))
    let files = ["/p/nginx.conf": "include \(shorter);", shorter: "http { server { listen 1; } }"]
    #expect(read(files).listeners.map(\.endpoint) == ["0.0.0.0:1"])
  }

  @Test("show only the beginning of a long path, however many there are")
  func longSource() {
    let path = "/" + String(repeating: "a", count: 4000)
    let listens = (1...1000).map { "listen \($0);" }.joined()
    let found = read(["/p/nginx.conf": "include \(path);", path: "http { server { \(listens) } }"])
    #expect(found.listeners.count == 1000)
    #expect(found.listeners.allSatisfy { $0.source.utf8.count < 300 })
    #expect(found.listeners[0].source.hasSuffix("aaa...:1"))
  }

  @Test("are not searched if a pattern matches too many names, with a warning")
  func patterns() {
    var files = NginxFiles(texts: ["/nginx.conf": "http { include d/*; server { listen 80; } }"])
    files.matching = { _ in nil }
    let found = NginxListeners(main: "/nginx.conf", isRoot: true, files: files)
    #expect(found.listeners.map(\.endpoint) == ["0.0.0.0:80"])
    #expect(
      found.warnings.map(\.why) == [
        "the files that match its pattern are not known: there are too many to search, or its brackets"
          + " are unusual"
      ])
  }
}

extension NginxFiles {
  /// Files by their paths.
  ///
  /// In a pattern only one "*" is understood.
  init(texts: [String: String]) {
    self.init(
      matching: { pattern in
        let parts = "\(pattern)".split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return [] }
        return texts.keys.filter { $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }.sorted()
          .map { ByteString($0) }
      },
      read: { path, limit in
        if "\(path)".hasSuffix("unreadable.conf") { return .unreadable("Permission denied") }
        guard let text = texts["\(path)"] else { return .absent }
        return text.utf8.count > limit ? .tooLarge : .bytes(Array(text.utf8))
      })
  }
}

/// The output of `kong prepare` in Kong 3.9, shortened, in the form of its templates.
private enum KongConfiguration {
  static let files = [
    "/usr/local/kong/nginx.conf": """
    pid pids/nginx.pid;
    # injected nginx_main_* directives
    include 'nginx-inject.conf';
    http {
        include 'nginx-kong.conf';
    }
    stream {
        include 'nginx-kong-stream.conf';
    }
    """,
    "/usr/local/kong/nginx-inject.conf": """
    lmdb_environment_path dbless.lmdb;
    lmdb_map_size         2048m;
    """,
    "/usr/local/kong/nginx-kong.conf": #"""
    server_tokens off;
    error_log logs/error.log notice;
    lua_package_path       './?.lua;./?/init.lua;;;;';
    lua_shared_dict kong                        5m;
    underscores_in_headers on;
    # injected nginx_http_* directives
    include 'nginx-kong-inject.conf';
    uninitialized_variable_warn  off;
    init_by_lua_block {
        Kong = require 'kong' -- listen 1;
        Kong.init()
    }
    init_worker_by_lua_block {
        Kong.init_worker()
    }
    upstream kong_upstream {
        server 0.0.0.1;
        balancer_by_lua_block { Kong.balancer() }
    }
    # Load variable indexes
    lua_kong_load_var_index default;
    server {
        server_name kong;
        listen 0.0.0.0:80 reuseport backlog=16384;
        listen [::]:443 ssl http2 reuseport backlog=16384;
        error_page 400 404 405 408 411 412 413 414 417 /kong_error_handler;
        ssl_certificate_by_lua_block { Kong.ssl_certificate() }
        location / {
            default_type                     '';
            set $ctx_ref                     '';
            set $upstream_te                 '';
            rewrite_by_lua_block { Kong.rewrite() }
            access_by_lua_block {
                -- "
                local t = { a = "}", b = '{', c = [[ } ]] }
                Kong.access()
            }
            proxy_set_header      TE                 $upstream_te;
            proxy_pass         $upstream_scheme://kong_upstream$upstream_uri;
            log_by_lua_block { Kong.log() }
        }
        location @unbuffered { internal; }
        location ~ "^/b{1,2}$" { return 404; }
        location ~ ^/c\{1,2\}$ { return 404; }
    }
    server {
        server_name kong_admin;
        listen 127.0.0.1:8001 reuseport;
        client_max_body_size    10m;
        location / {
            default_type application/json;
            content_by_lua_block {
                Kong.admin_content()
            }
        }
        location /robots.txt { return 200 'User-agent: *\nDisallow: /'; }
    }
    server {
        charset UTF-8;
        server_name kong_status;
        listen 0.0.0.0:8007;
        access_log off;
    }
    server {
        server_name kong_worker_events;
        listen unix:/usr/local/kong/sockets/we;
        location / { content_by_lua_block { require("resty.events.compat").run() } }
    }
    include 'nginx-kong-gui-include.conf';
    """#,
    "/usr/local/kong/nginx-kong-inject.conf": "",
    "/usr/local/kong/nginx-kong-gui-include.conf": """
    server { server_name kong_gui;
        listen 0.0.0.0:8002;
    }
    """,
    "/usr/local/kong/nginx-kong-stream.conf": """
    log_format basic '$remote_addr [$time_local] '
                     '$protocol $status $bytes_sent $bytes_received '
                     '$session_time';
    init_by_lua_block {
        Kong = require 'kong'
        Kong.init()
    }
    server {
        listen unix:/usr/local/kong/sockets/ss;
        return '';
    }
    upstream kong_upstream {
        server 0.0.0.1:1;
        balancer_by_lua_block { Kong.balancer() }
        # injected nginx_supstream_* directives
    }
    server {
        listen 0.0.0.0:53 udp;
        listen 0.0.0.0:9000-9010 transparent;
        preread_by_lua_block { Kong.preread() }
        proxy_pass kong_upstream;
    }
    """,
  ]
}
