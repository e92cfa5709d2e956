import Capabilities
import Foundation
import Kong
import Nginx
import Plan
import Preflight
import Services
import Testing
import Text

@testable import Preflight

/// The checks of files, names, the time zone and limits: the rules.
@Suite struct FileCheckRuleTests {
  private func checked(
    _ variables: [String: String], others: [String: String] = [:],
    as credentials: Credentials = Situation.root(),
    command: [ByteString] = ["kong", "docker-start"]
  ) throws -> CheckedStart {
    let request = try Request(
      command: command, options: Options(), environment: Situation.environment(variables))
    let planner = Planner(request: request, snapshot: Situation.host(credentials))
    return CheckedStart(
      planner, planner.plan(),
      variables: others.sorted { $0.key < $1.key }.map {
        Environment.Variable(name: $0.key, value: ByteString($0.value))
      })
  }

  private func explanation(_ verdict: Finding.Verdict) -> Explanation? {
    switch verdict {
    case .warning(let explanation), .failed(let explanation): explanation
    case .passed, .skipped: nil
    }
  }

  // MARK: time-zone

  @Test(arguments: [
    "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT", "<+03>-3", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
    "IST-1GMT0,M10.5.0,M3.5.0/1", "AAA24:59:59", "XXX3EDT4,0/0,J365/23", "EST+5EDT,J60,300/167:59",
  ])
  func `a time zone in the form of POSIX needs no file`(text: String) {
    #expect(POSIXTimeZone.hasOffset(Array(text.utf8)[...]))
    #expect(TimeZoneCheck.verdict(TimeZoneState(variable: ByteString(text))) == .passed)
  }

  @Test(arguments: [
    "Europe/Berlin", "CET", "Asia/Tokyo", "Mars/Phobos", "CE-1", "<+03-3", "<>-3", "CETx", "CET+",
    ":Europe/Berlin",
  ])
  func `any other one does, and without its file times are in UTC`(text: String) {
    #expect(!POSIXTimeZone.hasOffset(Array(text.utf8)[...]))
    let state = TimeZoneState(variable: ByteString(text))
    #expect(
      explanation(TimeZoneCheck.verdict(state))?.what == "times are in UTC, though TZ is \(text)")
    #expect(
      explanation(TimeZoneCheck.verdict(state))?.waysOut.first
        == "if it is misspelt, correct it: TZ=Europe/Berlin")
    #expect(
      TimeZoneCheck.verdict(TimeZoneState(variable: ByteString(text), hasFile: true)) == .passed)
  }

  @Test func `UTC by its name, an empty TZ and no TZ at all are what they say`() {
    for text in ["UTC", "GMT", "Etc/UTC", ":UTC", ""] {
      let state = TimeZoneState(variable: ByteString(text), danglingLink: "/usr/share/zoneinfo/x")
      #expect(TimeZoneCheck.verdict(state) == .passed)
    }
    #expect(TimeZoneCheck.verdict(TimeZoneState(variable: nil)) == .passed)
    #expect(
      explanation(TimeZoneCheck.verdict(TimeZoneState(variable: nil, danglingLink: "/x")))?.what
        == "times are in UTC, though /etc/localtime is a link to a time zone")
  }

  @Test func `the files of TZ are those that a C library looks for`() {
    #expect(TimeZoneState.files(of: ":Europe/Berlin").first == "/usr/share/zoneinfo/Europe/Berlin")
    #expect(TimeZoneState.files(of: "/etc/zone") == ["/etc/zone"])
    #expect(TimeZoneState.files(of: "") == [])
  }

  // MARK: cluster-dns

  private let denied = ServiceObstacle.unknownName([], server: .loopback, exists: false)

  @Test func `an unknown name is certain to fail only without a search domain of the cluster`() {
    let verdict = { (search: [ByteString]) in
      ClusterDNSCheck.verdict(
        on: "db.kong", source: "KONG_PG_HOST", .failed(denied), search: search)
    }
    guard case .failed(let explanation) = verdict(["corp.example"]) else {
      return #expect(Bool(false))
    }
    #expect(explanation.waysOut[0].contains("dnsPolicy: ClusterFirstWithHostNet"))
    guard case .warning = verdict(["kong.svc.cluster.local", "cluster.local"]) else {
      return #expect(Bool(false))
    }
  }

  @Test func `a name that resolves passes, and a server that does not answer proves nothing`() {
    #expect(ClusterDNSCheck.verdict(on: "db", source: "x", .found, search: []) == .passed)
    let silent = ServiceObstacle.serverSilent(.loopback, reason: "Connection timed out")
    #expect(
      ClusterDNSCheck.verdict(on: "db", source: "x", .failed(silent), search: [])
        == .skipped("the DNS server 127.0.0.1 does not answer (Connection timed out)"))
  }

  @Test func `hosts are those of the database and of the control plane, if they are names`() throws
  {
    let start = try checked(
      ["KONG_PG_HOST": "db"], others: ["KONG_CLUSTER_CONTROL_PLANE": "cp.kong.svc:8005"])
    #expect(
      ClusterDNSCheck.hosts(of: start) == [
        ClusterDNSCheck.Host(name: "db", source: "KONG_PG_HOST"),
        ClusterDNSCheck.Host(name: "cp.kong.svc", source: "KONG_CLUSTER_CONTROL_PLANE"),
      ])
    let none = try checked(["KONG_DATABASE": "off", "KONG_PG_HOST": "db"])
    #expect(ClusterDNSCheck.hosts(of: none) == [])
    #expect(ClusterDNSCheck.hosts(of: try checked([:])) == [])
  }

  // MARK: unreadable

  @Test func `files are what settings name by a path, not what they contain`() throws {
    let start = try checked(
      [:],
      others: [
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "KONG_LUA_SSL_TRUSTED_CERTIFICATE": "system, /ca",
        "KONG_SSL_CERT": "/a,/b", "KONG_SSL_CERT_KEY": "-----BEGIN",
        "KUBERNETES_SERVICE_HOST": "/x",
      ],
      command: ["kong", "docker-start", "--nginx-conf", "/template"])
    let files = UnreadableCheck.files(of: start)
    #expect(files.map { $0.use.path } == ["/token", "/ca", "/a", "/b", "/template"])
    #expect(files.map { $0.isOfStart } == [false, true, true, true, true])
  }

  @Test func `a file that only a plugin reads is a warning, and so is one that a hook can make`()
    throws
  {
    let start = try checked(
      [:], others: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "KONG_SSL_CERT": "/cert"])
    let files = UnreadableCheck.files(of: start)
    let user = try #require(start.plan.user)
    guard
      case .warning(let token) = UnreadableCheck.verdict(
        on: files[0], .missing, in: start, user: user),
      case .failed = UnreadableCheck.verdict(on: files[1], .missing, in: start, user: user)
    else { return #expect(Bool(false)) }
    #expect(token.what == "nginx cannot read /token, which AWS_WEB_IDENTITY_TOKEN_FILE names")
    #expect(UnreadableCheck.verdict(on: files[1], nil, in: start, user: user) == .passed)
  }

  @Test func `what is in the prefix is kong's once it starts`() throws {
    let others = ["KONG_SSL_CERT": "/usr/local/kong/ssl/x.crt"]
    let asRoot = try checked([:], others: others)
    let user = try #require(asRoot.plan.user)
    let file = try #require(UnreadableCheck.files(of: asRoot).first)
    guard case .skipped = UnreadableCheck.verdict(on: file, .missing, in: asRoot, user: user) else {
      return #expect(Bool(false))
    }
    let asKong = try checked([:], others: others, as: Situation.user())
    guard case .failed = UnreadableCheck.verdict(on: file, .missing, in: asKong, user: user) else {
      return #expect(Bool(false))
    }
  }

  // MARK: open-files

  @Test func `a hard limit below what nginx sets is a warning, unless nginx may raise it`() {
    let verdict = { (limit: UInt?, wanted: UInt?, mayRaise: Bool) in
      OpenFilesCheck.verdict(limit: limit, wanted: wanted, source: "X", mayRaise: mayRaise)
    }
    #expect(verdict(1_048_576, nil, false) == .passed && verdict(1024, nil, false) == .passed)
    #expect(verdict(512, 4096, true) == .passed)
    #expect(
      explanation(verdict(512, nil, false))?.what
        == "nginx's workers can open only 512 files, not 1024")
    #expect(
      explanation(verdict(1024, 4096, false))?.what
        == "nginx's workers can open only 1024 files, not 4096")
    #expect(explanation(verdict(1024, 4096, false))?.waysOut.last == "lower X")
    guard case .skipped = verdict(nil, nil, false) else { return #expect(Bool(false)) }
  }
}
