@testable import Capabilities
@testable import Kong
@testable import Plan
@testable import Text
import Testing

@Suite("What kong prepare would fail at")
struct AccessCheckTests {
  private static let start = ["KONG_PROXY_LISTEN": "0.0.0.0:8000"]
  private static let noChown = Situation.root(Situation.set("setuid", "setgid", "setpcap"))

  private func plan(
    _ credentials: Credentials, _ variables: [String: String] = [:],
    _ change: (inout HostSnapshot) -> Void = { _ in }
  ) throws -> Plan {
    var host = Situation.host(credentials)
    change(&host)
    return try Situation.plan(variables.merging(Self.start) { old, _ in old }, on: host)
  }

  private func entry(
    _ path: ByteString, isReadOnly: Bool = false, kind: PathEntry.Kind = .other,
    mode: UInt32 = 0o640
  ) -> PathEntry {
    PathEntry(path: path, kind: kind, uid: 0, gid: 0, mode: mode, isReadOnly: isReadOnly)
  }

  @Test(
    "includes a file that the user could have moved there, because the start does not give it away",
    arguments: [
      ([(1337, false), (0, false)], true), ([(0, false), (0, false)], false),
      ([(1337, false), (1337, false)], false), ([(1337, false), (0, true)], false),
      ([(1337, false), (0, true), (5, false)], false),
      ([(0, false), (1337, false), (0, false)], true),
      ([(1337, false), (1337, true), (0, false)], true), ([], false),
    ] as [([(UInt32, Bool)], Bool)])
  func staysOthers(way: [(UInt32, Bool)], stays: Bool) throws {
    var logs = entry("/usr/local/kong/logs", kind: .directory, mode: 0o755)
    logs.entriesInPrefix = way.map { PathEntry.PrefixEntry(uid: $0.0, isMountPoint: $0.1) }
    let plan = try plan(Situation.root()) { $0.denials = [.writingDirectory(logs)] }
    #expect(plan.failure?.status == (stays ? 77 : nil))
    let why = plan.failure?.explanation?.why
    #expect(why?.hasSuffix("because the user could have moved it there") == (stays ? true : nil))
    let asUser = try self.plan(Situation.user()) { $0.denials = [.writingDirectory(logs)] }
    let waysOut = try #require(asUser.failure?.explanation?.waysOut)
    #expect(waysOut.contains { $0.hasPrefix("start as root") } == !stays)
  }

  @Test("includes a prefix that the user cannot write, unless the start gives it away")
  func unwritablePrefix() throws {
    let owned = entry("/usr/local/kong", kind: .directory, mode: 0o755)
    let readOnly = entry("/usr/local/kong", isReadOnly: true, kind: .directory, mode: 0o755)
    #expect(
      try plan(Situation.root()) {
        $0.denials = [.writingPrefix(owned, hasWritableSettings: false)]
      }.failure == nil)
    for credentials in [Situation.user(), Self.noChown] {
      let failure = try #require(
        try plan(credentials) {
          $0.denials = [.writingPrefix(owned, hasWritableSettings: false)]
        }.failure)
      let explanation = try #require(failure.explanation)
      #expect(failure.status == 77)
      #expect(explanation.what.contains("kong (1337:0) cannot write /usr/local/kong"))
      #expect(explanation.why.contains("uid 0, gid 0, mode 0755"))
      let way = credentials.user.effective == 0 ? "--cap-add CHOWN" : "fsGroup"
      #expect(explanation.waysOut.first?.contains(way) == true)
      // Older versions of Kong then write to the existing file.
      let old = try plan(credentials) {
        $0.denials = [.writingPrefix(owned, hasWritableSettings: true)]
      }
      #expect(old.failure == nil && old.prepareWarnings == [explanation])
    }
    for credentials in [Situation.user(), Situation.root()] {
      let failure = try plan(credentials) {
        $0.denials = [.writingPrefix(readOnly, hasWritableSettings: true)]
      }.failure
      #expect(failure?.status == 77 && failure?.explanation?.why == "its mount is read-only")
    }
  }

  @Test("includes a missing prefix that cannot be made")
  func missingPrefix() throws {
    let above = entry("/usr/local", kind: .directory, mode: 0o755)
    let failure = try plan(Situation.user()) { $0.denials = [.makingPrefix(in: above)] }.failure
    #expect(
      failure?.explanation?.what == "kong (1337:0) cannot make /usr/local/kong in /usr/local")
  }

  @Test(
    "includes a prefix of another user, who or whose group can start without a change",
    arguments: [
      (1001, 0o775, "as its owner: docker run --user 1001, runAsUser: 1001"),
      (0, 0o775, "with its group: docker run --user 1337:0, runAsGroup: 0"), (0, 0o755, nil),
    ] as [(UInt32, UInt32, String?)])
  func prefixOfAnotherUser(uid: UInt32, mode: UInt32, way: String?) throws {
    var prefix = entry("/usr/local/kong", kind: .directory, mode: mode)
    prefix.uid = uid
    for credentials in [Situation.user(), Self.noChown] {
      let failure = try plan(credentials) {
        $0.denials = [.writingPrefix(prefix, hasWritableSettings: false)]
      }.failure
      let ways = try #require(failure?.explanation).waysOut
      let isRoot = credentials.user.effective == 0
      let found = ways.first { $0.hasPrefix("as its") || $0.hasPrefix("with its") }
      #expect(found == (isRoot ? nil : way))
    }
  }

  @Test(
    "includes a directory of another user in the prefix, with the way out that fits its origin",
    arguments: [
      (
        FilePlace.image, "it is part of the image, has uid 0",
        "in the Dockerfile: COPY --chown=1337:0"
      ),
      (
        .kubernetesVolume, "it is on a volume of Kubernetes, has",
        "Kubernetes: securityContext.fsGroup: 1337"
      ),
      (
        .mount, "it is on a volume, or a directory of the host, has",
        "on the host, give what is mounted"
      ),
      (.memory, "it is on a tmpfs, has", "docker run --tmpfs /tmp --env KONG_PREFIX=/tmp/kong"),
      (.unknown, "it has uid 0", "Kubernetes: securityContext.fsGroup: 1337"),
    ] as [(FilePlace, String, String)])
  func closedDirectory(place: FilePlace, why: String, way: String) throws {
    var logs = entry("/usr/local/kong/logs", kind: .directory, mode: 0o755)
    logs.place = place
    #expect(try plan(Situation.root()) { $0.denials = [.writingDirectory(logs)] }.failure == nil)
    for credentials in [Situation.user(), Self.noChown] {
      let failure = try #require(
        try plan(credentials) { $0.denials = [.writingDirectory(logs)] }.failure)
      let explanation = try #require(failure.explanation)
      #expect(failure.status == 77)
      #expect(
        explanation.what
          == "kong (1337:0) cannot write /usr/local/kong/logs, but kong prepare has to")
      #expect(explanation.why.hasPrefix(why))
      #expect(explanation.waysOut.contains { $0.hasPrefix(way) })
      #expect(
        explanation.waysOut.contains { $0.contains("--cap-add CHOWN") }
          == (credentials.user.effective == 0))
      // A hook could put another in its place.
      let hooked = try plan(credentials) {
        $0.denials = [.writingDirectory(logs)]
        $0.hooks = HookDirectory(
          files: [
            HookFile(name: "a", resolvedEntries: [entry("/docker-entrypoint.d/a", mode: 0o755)])
          ])
      }
      #expect(hooked.failure == nil && hooked.prepareWarnings.contains(explanation))
    }
    // Nobody can give away what is on a read-only mount.
    logs.isReadOnly = true
    #expect(
      try plan(Situation.root()) { $0.denials = [.writingDirectory(logs)] }.failure?.explanation?
        .why
        == "its mount is read-only")
  }

  @Test("includes the error log of another user, unless a setting may name another log")
  func closedLog() throws {
    let change = { (host: inout HostSnapshot) in
      host.denials = [
        .writingErrorLog(entry("/usr/local/kong/logs/error.log", mode: 0o644))
      ]
    }
    let failure = try plan(Situation.user(), [:], change).failure
    #expect(failure?.status == 77)
    #expect(failure?.explanation?.what.contains("/usr/local/kong/logs/error.log") == true)
    #expect(
      try plan(Situation.user(), ["KONG_PROXY_ERROR_LOG": "/dev/stderr"], change).failure == nil)
    let configured = try plan(Situation.user()) {
      change(&$0)
      $0.files.configuration = KongFiles.ConfigurationFile(
        path: "/etc/kong/kong.conf",
        configuration: KongConfiguration(Array("proxy_error_log = /dev/stderr\n".utf8)))
    }
    #expect(configured.failure == nil)
    #expect(try plan(Situation.root(), [:], change).failure == nil)
  }

  @Test("includes a /tmp that cannot be written, with 77: no kong command works without it")
  func temporary() throws {
    let tmp = entry("/tmp", kind: .directory, mode: 0o755)
    for (refusal, why) in [
      (.missing, "it does not exist"), (.readOnly, "its mount is read-only"),
      (.denied(tmp), "it has uid 0, gid 0, mode 0755"), (.unreachable, "it cannot be reached"),
    ] as [(AccessRefusal, String)] {
      for credentials in [Situation.user(), Situation.root()] {
        let failure = try plan(credentials) { $0.denials = [.usingTemporary(refusal)] }.failure
        #expect(failure?.status == 77)
        #expect(failure?.explanation?.why.hasPrefix(why) == true)
        #expect(failure?.explanation?.waysOut.first == "docker run --tmpfs /tmp:mode=1777")
      }
    }
  }

  @Test(
    "includes files of another user, with a warning that gives owner, mode and cure, unless given away"
  )
  func othersFiles() throws {
    let change = { (host: inout HostSnapshot) in
      host.denials = [
        .readingSettings(entry("/usr/local/kong/.kong_env")),
        .writingFiles([entry("/usr/local/kong/.ca_combined", mode: 0o644)]),
      ]
    }
    #expect(try plan(Situation.root(), [:], change).prepareWarnings.isEmpty)
    for credentials in [Situation.user(), Self.noChown] {
      let warnings = try plan(credentials, [:], change).prepareWarnings
      try #require(warnings.count == 2)
      #expect(warnings[0].what.contains("kong (1337:0) cannot read /usr/local/kong/.kong_env"))
      #expect(warnings[0].why.contains("uid 0, gid 0, mode 0640"))
      #expect(warnings[0].waysOut.first?.hasPrefix("remove /usr/local/kong/.kong_env") == true)
      #expect(warnings[1].what.contains("cannot write /usr/local/kong/.ca_combined"))
      #expect(warnings[1].waysOut.first == "remove it: rm /usr/local/kong/.ca_combined")
    }
  }

  @Test("includes what a lost ssl/ or a full disk left, with a warning and its cure, for any owner")
  func remains() throws {
    for credentials in [Situation.user(), Situation.root()] {
      let lost = try plan(credentials) { $0.prefixState.lacksCertificates = true }.prepareWarnings
      #expect(lost.first?.what.hasPrefix("/usr/local/kong/.kong_env names certificates") == true)
      #expect(lost.first?.waysOut.first?.hasPrefix("remove /usr/local/kong/.kong_env") == true)
      let empty = try plan(credentials) { $0.prefixState.hasEmptyParameters = true }.prepareWarnings
      #expect(empty.first?.what.hasPrefix("/usr/local/kong/ssl/ffdhe2048.pem is empty") == true)
      #expect(
        empty.first?.waysOut == ["remove both: rm -r /usr/local/kong/ssl /usr/local/kong/.kong_env"]
      )
    }
  }

  @Test(
    "includes lost certificates only if .kong_env has a path in this prefix's ssl/",
    arguments: [
      ("ssl_cert = /p/ssl/kong-default.crt\n", true), ("a = b\nx=/p/ssl/y", true),
      ("ssl_cert = /etc/ssl/mine.crt\n", false), ("# /p/ssl/\n", false), ("", false),
      ("ssl_cert = /p/sslx/y\n", false),
    ] as [(String, Bool)])
  func certificates(contents: String, isNamed: Bool) {
    #expect(PrefixState.namesCertificates(Array(contents.utf8), in: "/p") == isNamed)
  }

  @Test("includes a log that is root's until nginx runs, in a start that drops, and in no other")
  func logs() throws {
    let variables = [
      "KONG_PROXY_ERROR_LOG": "/proc/1/fd/2", "KONG_PROXY_ACCESS_LOG": "/proc/1/fd/1",
      "KONG_ADMIN_ERROR_LOG": "/proc/self/fd/2", "KONG_STATUS_ERROR_LOG": "/dev/stderr",
    ]
    let warnings = try plan(Situation.root(), variables).prepareWarnings
    #expect(
      warnings.map { String($0.what.prefix { $0 != ":" }) } == [
        "KONG_PROXY_ACCESS_LOG=/proc/1/fd/1", "KONG_PROXY_ERROR_LOG=/proc/1/fd/2",
      ])
    #expect(
      warnings.flatMap(\.waysOut) == [
        "KONG_PROXY_ACCESS_LOG=/dev/stdout, which is the same",
        "KONG_PROXY_ERROR_LOG=/dev/stderr, which is the same",
      ])
    #expect(try plan(Situation.user(), variables).prepareWarnings.isEmpty)
  }

  @Test(
    "includes an nginx in the background: the container would end with 0, without a message",
    arguments: ["KONG_NGINX_DAEMON", "KONG_NGINX_MAIN_DAEMON"])
  func daemon(name: String) throws {
    for credentials in [Situation.user(), Situation.root()] {
      let warnings = try plan(credentials, [name: "on"]).prepareWarnings
      #expect(warnings.map(\.what).first?.hasPrefix("\(name)=on: nginx goes to") == true)
      #expect(try plan(credentials, [name: "off"]).prepareWarnings.isEmpty)
    }
  }
}
