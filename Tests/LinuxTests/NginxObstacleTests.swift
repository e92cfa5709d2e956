import Kong
import Testing

@Suite("What keeps nginx from starting, after a failed kong prepare,")
struct NginxObstacleTests {
  private static let asUser = "setpriv --reuid 33 --regid 33 --clear-groups"
  private static let asRoot = "env ENTRYPOINT_USER=www-data"

  /// Everything that a start prints whose `kong prepare` writes a configuration and ends with 1,
  /// like the real one after its `nginx -t`, without $T.
  private func said(
    _ configuration: String, _ setup: String = "", as user: String = asUser, status: Int = 1
  ) throws -> String {
    let outcome = try shell(
      """
      mkdir "$T/prefix" "$T/bin" "$T/f"; chown 33:33 "$T/prefix"; chmod 755 "$T"
      cat > "$T/conf" << CONF
      \(configuration)
      CONF
      chmod 644 "$T/conf"
      printf '#!/bin/sh\\ncp %s/conf %s/prefix/nginx.conf; exit \(status)\\n' "$T" "$T" > "$T/bin/kong"
      chmod 755 "$T/bin/kong"; cp /bin/true "$T/bin/nginx"
      export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
      cd "$T/f"
      \(setup)
      cd /
      \(user) "$ENTRYPOINT" kong docker-start 2>&1 | sed "s|$T||g"
      """)
    return outcome.output + outcome.errors
  }

  private static let failed = "error: kong prepare -p /prefix failed\n"

  @Test("can be a file of root's in the configuration: reported with owner, mode and the ways out")
  func files() throws {
    for user in [Self.asUser, Self.asRoot] {
      let log = try said("error_log $T/f/a.log;", "touch a.log; chmod 600 a.log", as: user)
      #expect(
        log.contains(
          "error: nginx cannot write /f/a.log, which error_log names (/prefix/nginx.conf:1)\n"))
      #expect(log.contains("why: www-data (33:33) cannot write /f/a.log: it is "))
      #expect(log.contains("uid 0, gid 0, mode 0600\n"))
      #expect(
        log.contains("way out: log to the container's output: KONG_PROXY_ERROR_LOG=/dev/stderr"))
      #expect(log.contains(Self.failed))
      let key = try said(
        "http { server {\n ssl_certificate_key $T/f/tls.key; } }",
        "touch tls.key; chmod 400 tls.key",
        as: user)
      #expect(
        key.contains(
          "error: nginx cannot read /f/tls.key, which ssl_certificate_key names (/prefix/nginx.conf:2)\n"
        ))
      #expect(key.contains("cannot read /f/tls.key: it is "))
      #expect(key.contains("KONG_SSL_CERT_KEY_FILE=/f/tls.key") == (user == Self.asRoot))
      let directory = try said("error_log $T/f/d/e/a.log;", "mkdir -p d/e; chmod 700 d", as: user)
      #expect(directory.contains("www-data (33:33) cannot write /f/d: it is "))
      let new = try said("access_log $T/f/d/a.log;", "mkdir d", as: user)
      #expect(new.contains("error: nginx cannot write /f/d/a.log, which access_log names"))
      let socket = try said("http { server { listen unix:$T/f/d/s; } }", "mkdir d", as: user)
      #expect(socket.contains("error: nginx cannot make the socket /f/d/s, which listen names"))
      let missing = try said("ssl_certificate $T/f/none;", as: user)
      #expect(missing.contains("error: nginx cannot read /f/none, which ssl_certificate names"))
      #expect(missing.contains("why: there is no such file\n"))
    }
  }

  @Test(
    "is reported with the mount of a file: a Secret of Kubernetes needs fsGroup and 0440")
  func secret() throws {
    let said = try said(
      "ssl_certificate_key $T/f/s/tls.key;",
      "mkdir s; mount -t tmpfs none s; touch s/tls.key; chmod 400 s/tls.key; mount -o remount,ro none s"
    )
    #expect(
      said.contains(
        "cannot read /f/s/tls.key: it is on a tmpfs, and has uid 0, gid 0, mode 0400\n"))
    #expect(
      said.contains(
        "way out: Kubernetes: securityContext.fsGroup: 33 in the pod, and defaultMode: 0440 for a Secret\n"
      ))
  }

  @Test("can be an address that no interface has, or IPv6 if the kernel has none")
  func addresses() throws {
    let listen =
      "http { server { listen 192.0.2.1:8000; listen [::]:8000; listen 127.0.0.1:1; listen *:2; } }"
    let said = try said(listen, "ip link set lo up")
    #expect(
      said.contains(
        "error: nginx cannot listen on /prefix/nginx.conf:1 192.0.2.1:8000: bind() fails (99: "))
    #expect(!said.contains("[::]") && !said.contains("127.0.0.1:1") && !said.contains("0.0.0.0:2"))
    let none = try self.said(
      listen, "ip link set lo up",
      as:
        "strace -f -qq -o /dev/null -e trace=socket -e inject=socket:error=EAFNOSUPPORT:when=2+ \(Self.asUser)"
    )
    #expect(
      none.contains("[::]:8000: socket() fails (97: Address family not supported by protocol)\n"))
    #expect(none.contains("way out: listen on IPv4 only: "))
  }

  @Test("can be a directory in the prefix where Kong creates files, whatever it has written before")
  func closedDirectory() throws {
    let setup =
      "mkdir $T/prefix/ssl $T/prefix/sockets; printf '#!/bin/sh\\nexit 1\\n' > $T/bin/kong"
    let said = try said("", setup)
    for name in ["ssl", "sockets"] {
      #expect(
        said.contains(
          "error: www-data (33:33) cannot write /prefix/\(name), where Kong creates files\n"))
    }
    #expect(said.contains("has uid 0, gid 0, mode 0755\n"))
    let made = "touch $T/prefix/ssl/kong-default.crt; chown 33 $T/prefix/sockets"
    #expect(!(try self.said("", "\(setup); \(made)")).contains("where Kong creates files"))
    // Root gives away nothing of another user in a prefix that already belongs to the user.
    let asRoot = try self.said("", setup, as: Self.asRoot)
    #expect(asRoot.contains("/prefix/ssl, where Kong creates files"))
  }

  @Test("is never something that works, or from an older configuration, or found after a success")
  func nothing() throws {
    let works = """
      error_log $T/f/a.log; pid pids/nginx.pid; error_log /dev/stderr; access_log /proc/self/fd/1;
      include mime.types;
      """
    let setup =
      "touch a.log; chown 33 a.log; mkdir $T/prefix/pids; chown 33 $T/prefix/pids; ln -s /etc/hosts $T/prefix/mime.types"
    for user in [Self.asUser, Self.asRoot] {
      #expect(!(try said(works, setup, as: user)).contains("nginx cannot"))
      let old = """
        printf 'error_log /root/x;' > $T/prefix/nginx.conf; touch -d '1 minute ago' $T/prefix/nginx.conf
        chown -R 33 $T/prefix; printf '#!/bin/sh\\nexit 1\\n' > $T/bin/kong
        """
      let said = try said("", old, as: user)
      #expect(said.contains(Self.failed) && !said.contains("nginx cannot"))
      #expect(
        !(try self.said("error_log /root/x;", as: user, status: 0)).contains("error: nginx cannot"))
    }
  }

  @Test("can be a log in the environment: reported before kong prepare runs, and in a dry run")
  func logOfEnvironment() throws {
    for user in [Self.asUser, Self.asRoot] {
      for start in ["", "--dry-run --"] {
        let outcome = try shell(
          """
          mkdir "$T/prefix" "$T/bin" "$T/logs"; chown 33:33 "$T/prefix"
          cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
          export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
          export KONG_PROXY_ACCESS_LOG="$T/logs/access.log" KONG_PROXY_ERROR_LOG=logs/error.log
          \(user) "$ENTRYPOINT" \(start) kong docker-start 2>&1 | grep -A3 'nginx cannot write' | sed "s|$T||g"
          """)
        #expect(
          outcome.output.contains(
            "nginx cannot write /logs/access.log, which KONG_PROXY_ACCESS_LOG names\n"))
        #expect(outcome.output.contains("www-data (33:33) cannot write /logs: it is"))
        #expect(outcome.output.contains("KONG_PROXY_ACCESS_LOG=/dev/stdout\n"))
        #expect(!outcome.output.contains("error.log"))
      }
    }
  }
}
