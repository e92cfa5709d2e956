import Foundation
import Glibc
import Preflight
import Testing
import Text

/// The checks of files, names and the time zone, as a user sees them.
@Suite("--check of files") struct FileCheckTests {
  /// Runs the checks of a start by root that drops to www-data.
  ///
  /// - Parameter settings: assignments for env(1).
  private func check(_ settings: String, before: String = "") throws -> [String] {
    let outcome = try shell(
      """
      mkdir "$T/bin"; cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
      \(before)
      env -i PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" KONG_PREFIX="$T/prefix" \(settings) \\
        "$ENTRYPOINT" --check --user www-data kong docker-start || [ $? = 78 ]
      """)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  /// The lines of one check: its own, and the reasons and ways out below it.
  private func lines(_ output: [String], _ name: String) -> [String] {
    var isOwn = false
    return output.filter { line in
      if !line.hasPrefix(" ") { isOwn = line.contains("  \(name)") }
      return isOwn
    }
  }

  @Test func `a key of root's is named with its owner, and one that kong can read passes`() throws {
    let output = try check(
      "KONG_SSL_CERT=$T/cert KONG_SSL_CERT_KEY=$T/key",
      before: "echo x >$T/cert; install -m 600 /dev/null $T/key")
    let own = lines(output, "unreadable")
    #expect(own.count >= 4, "\(output)")
    #expect(own.first?.hasPrefix("passed") == true && own.first?.contains("KONG_SSL_CERT ") == true)
    let failed = try #require(own.first { $0.hasPrefix("failed") })
    #expect(failed.contains("which KONG_SSL_CERT_KEY names"))
    #expect(!own.contains { $0.contains("/dev/std") })
    #expect(own.contains { $0.contains("KONG_SSL_CERT_KEY_FILE=") })
    #expect(own.contains { $0.contains("user root, group root, mode 0600") || $0.contains("0600") })
  }

  @Test func `contents in place of a path are neither read nor shown`() throws {
    let output = try check("KONG_SSL_CERT_KEY='-----BEGIN PRIVATE KEY----- secret'")
    #expect(!output.joined().contains("secret"))
    #expect(lines(output, "unreadable").first?.hasPrefix("skipped") == true, "\(output)")
  }

  @Test func `a time zone that the image has not is told from one that it has`() throws {
    let zones = """
      mount -t tmpfs none /usr/share/zoneinfo 2>/dev/null || { mkdir -p /usr/share/zoneinfo; mount -t tmpfs none /usr/share/zoneinfo; }
      mkdir /usr/share/zoneinfo/Mars; echo TZif >/usr/share/zoneinfo/Mars/Phobos
      """
    let known = lines(try check("TZ=Mars/Phobos", before: zones), "time-zone")
    #expect(known.count == 1 && known[0].hasPrefix("passed"), "\(known)")
    let unknown = lines(try check("TZ=Mars/Deimos", before: zones), "time-zone")
    #expect(unknown.first?.hasPrefix("warning") == true, "\(unknown)")
    #expect(unknown.first?.hasSuffix("times are in UTC, though TZ is Mars/Deimos") == true)
    #expect(lines(try check("TZ=CET-1CEST,M3.5.0,M10.5.0/3"), "time-zone")[0].hasPrefix("passed"))
  }

  @Test func `a name that the node's DNS does not know is told in a pod only`() throws {
    // Nothing answers in this network, so only a name of /etc/hosts is known.
    let output = try check("KUBERNETES_SERVICE_HOST=10.0.0.1 KONG_PG_HOST=localhost")
    #expect(lines(output, "cluster-dns").first?.hasPrefix("passed") == true, "\(output)")
    let outside = lines(try check("KONG_PG_HOST=db"), "cluster-dns")
    #expect(outside.first?.hasSuffix("this is not a pod of Kubernetes") == true)
  }

  @Test func `a low limit of open files is named`() throws {
    let own = lines(
      try check("KONG_NGINX_MAIN_WORKER_RLIMIT_NOFILE=4096", before: "ulimit -n 2000"), "open-files"
    )
    #expect(
      own.first?.contains("nginx's workers can open only 2000 files, not 4096") == true, "\(own)")
  }

  /// The C library itself says whether a TZ is UTC to it.
  @Test func `a TZ is taken for one without a file exactly if glibc takes it so`() async {
    await #expect(processExitsWith: .success) {
      let names = ["Xyz", "<+03>", "AAAA", "E1", "<>", "Mars/Phobos", "ab"]
      let offsets = ["", "-1", "+5:30", "24", "-3:00:01", "x"]
      let rules = ["", "CEST", "CEST,M3.5.0,M10.5.0/3", "CEST-2,J60,J300", "DST-9"]
      for name in names {
        for offset in offsets {
          for rule in rules {
            let text = name + offset + rule
            let verdict = TimeZoneCheck.verdict(TimeZoneState(variable: ByteString(text)))
            setenv("TZ", text, 1)
            tzset()
            // Without a file, glibc takes UTC for what it does not understand.
            var (moment, local) = (time_t(0), tm())
            localtime_r(&moment, &local)
            guard (verdict == .passed) == (local.tm_gmtoff != 0) else {
              fatalError("\(text): \(verdict), but glibc's offset is \(local.tm_gmtoff)")
            }
          }
        }
      }
    }
  }
}
