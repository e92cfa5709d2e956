import Capabilities
import Kong
import Nginx
@testable import Plan
@testable import Preflight
import Report
import Text
import Foundation
import Testing

@Suite("--check")
struct PreflightTests {
  private static let kong = TargetUser(name: "kong", uid: 1337, gid: 0, groups: [0], home: "/")

  private func selection(_ value: String) throws -> [CheckName] {
    let variables = value.isEmpty ? [:] : ["ENTRYPOINT_CHECKS": value]
    return try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(variables)
    ).checks.names
  }

  @Test(
    "makes all checks, none with ENTRYPOINT_CHECKS=off, and not those that it lists with a dash")
  func selects() throws {
    for value in ["", "on", "ON"] { #expect(try selection(value) == CheckName.allCases) }
    #expect(try selection("off") == [])
    #expect(try selection("-address") == CheckName.allCases.filter { $0 != .address })
    for value in ["address", "-", "-no-such-check", "-address,", "off,-address", "- address"] {
      let failure = #expect(throws: StartFailure.self) { try selection(value) }
      #expect(failure?.status == ExitStatus.configuration)
      #expect(failure?.explanation?.why.contains("-address") == true)
    }
  }

  private func verdict(_ state: AddressState?, _ host: String = "192.0.2.1") -> Finding.Verdict {
    let listener = Listener(
      source: "KONG_PROXY_LISTEN", address: .inet(host: host, port: 8000))
    return AddressCheck.verdict(on: listener, state, user: Self.kong, isRoot: true)
  }

  @Test(
    "fails an address that no interface has, and warns of one that only ip_nonlocal_bind allows")
  func address() {
    #expect(verdict(.isHere) == .passed)
    guard case .failed(let missing) = verdict(.isNotHere) else {
      Issue.record("an address that is not here does not fail")
      return
    }
    #expect(missing.what.contains("192.0.2.1:8000: bind() fails (99: Cannot assign"))
    guard case .warning(let later) = verdict(.isNotHereButBinds, "[2001:db8::1]") else {
      Issue.record("an address that may come later is no warning")
      return
    }
    #expect(later.why.contains("net.ipv6.ip_nonlocal_bind is 1"))
    #expect(later.waysOut.contains("listen on all addresses: [::]:8000"))
    if case .failed = verdict(.needsScope, "[fe80::1]") {} else { Issue.record("link-local") }
    if case .skipped = verdict(nil) {} else { Issue.record("a path has no address") }
  }

  private static let findings = [
    Finding(.address, "0.0.0.0:80", .passed),
    Finding(.address, "[::1]:80", .skipped("there is a reason")),
    Finding(
      .address, "192.0.2.1:80",
      .failed(Explanation(what: "it fails", why: "a rule", waysOut: ["one", "two"]))),
    Finding(.address, "é:80", .warning(Explanation(what: "w", why: "y", waysOut: []))),
  ]

  @Test("believes the answer of a process without privileges only in the form of findings")
  func message() {
    #expect([Finding](message: Self.findings.message) == Self.findings)
    #expect([Finding](message: [Finding]().message) == [])
    for length in 0..<Self.findings.message.count {
      #expect([Finding](message: Array(Self.findings.message.prefix(length))) == nil)
    }
    let forged = [Finding(.address, "0.0.0.0:80\npassed", .passed)]
    #expect([Finding](message: forged.message) == nil)
  }

  @Test("prints a line for each finding, with reasons and ways out, and ends with 78 if one failed")
  func text() throws {
    let host = Situation.host(Situation.root())
    let plan = try Situation.plan(on: host)
    let report = CheckReport(plan, Self.findings + [Finding(.prefix, .skipped("of no subject"))])
    #expect(
      report.text(isColored: false) == """
        Checks for `kong docker-start` as kong (1337:0)
        passed   address  0.0.0.0:80
        skipped  address  [::1]:80: there is a reason
        failed   address  192.0.2.1:80: it fails
          why: a rule
          way out: one
          way out: two
        warning  address  é:80: w
          why: y
        skipped  prefix: of no subject

        """)
    #expect(report.status == ExitStatus.configuration)
    let colored = report.text(isColored: true)
    #expect(
      colored.replacing(/\u{1b}\[[0-9]*m/, with: "") == report.text(isColored: false))
    #expect(CheckReport(plan, Array(Self.findings.prefix(2))).status == 0)
    #expect(CheckReport(plan, [Self.findings[3]]).status == 0)
  }

  @Test("keeps the status of a plan that cannot succeed, and reports it first")
  func planFails() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.user()))
    let report = CheckReport(plan, Self.findings)
    #expect(report.status == ExitStatus.notPermitted)
    let lines = report.text(isColored: false).split(separator: "\n")
    #expect(
      lines[1].hasPrefix(
        "failed   plan  this start cannot succeed, exit status 77: cap_net_bind_service is not"))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(report.json.lines.utf8)) as? [String: Any])
    #expect(json["exit_status"] as? Int == 77)
    #expect((json["plan"] as? [String: Any])?["possible"] as? Bool == false)
    #expect(
      (json["checks"] as? [[String: Any]])?.map { $0["verdict"] as? String }
        == ["passed", "skipped", "failed", "warning"])
  }
}

@Suite("hostport-hijack")
struct HostportHijackTests {
  private static let listener = Listener(
    source: "KONG_PROXY_LISTEN", address: .inet(host: "0.0.0.0", port: 80))

  private func arrival(
    _ outcome: Arrival.Outcome, from port: Int = 40000, at host: ListenHost = .ipv4(0xc000_020a)
  ) -> Arrival {
    Arrival(host: host, port: 80, client: host, clientPort: port, outcome: outcome)
  }

  private func verdict(_ all: Arrival...) -> Finding.Verdict {
    HostportHijackCheck.verdict(on: Self.listener, .tried(all))
  }

  @Test("fails where a connection went elsewhere, and warns where it went nowhere")
  func verdicts() {
    #expect(verdict(arrival(.arrived)) == .passed)
    guard case .failed(let hijacked) = verdict(arrival(.arrived), arrival(.elsewhere)) else {
      Issue.record("a hijack does not fail")
      return
    }
    #expect(
      hijacked.what
        == "connections to 192.0.2.10 do not reach Kong on 0.0.0.0:80: another pod's hostPort takes them"
    )
    for outcome in [Arrival.Outcome.refused, .unanswered, .unreachable] {
      guard case .warning = verdict(arrival(outcome)) else {
        Issue.record("\(outcome) is no warning")
        continue
      }
    }
    if case .skipped = verdict() {} else { Issue.record("no address") }
  }

  /// As Linux 6.1 writes it.
  private static let table = """
    ipv4     2 tcp      6 58 CLOSE_WAIT src=192.0.2.10 dst=192.0.2.10 sport=40000 dport=80 src=10.224.0.2 dst=192.0.2.10 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2
    ipv4     2 tcp      6 9 CLOSE src=192.0.2.10 dst=192.0.2.10 sport=40001 dport=80 src=192.0.2.10 dst=192.0.2.10 sport=80 dport=40001 mark=0 zone=0 use=2
    ipv6     10 tcp      6 9 SYN_SENT src=2001:0db8:0000:0000:0000:0000:0000:0010 dst=2001:0db8:0000:0000:0000:0000:0000:0010 sport=40002 dport=80 [UNREPLIED] src=fd00:0224:0000:0000:0000:0000:0000:0002 dst=2001:0db8:0000:0000:0000:0000:0000:0010 sport=8080 dport=40002 mark=0 zone=0 use=2
    ipv4     2 icmp     1 9 src=192.0.2.10 dst=192.0.2.1 type=8 code=0 id=1 src=192.0.2.1 dst=192.0.2.10 type=0 code=0 id=1 use=2
    nonsense src= dst=x

    """

  @Test(
    "reads in the kernel's table of connections where one went, of IPv4 and IPv6, answered or not")
  func destinations() throws {
    let ipv6 = ListenHost.ipv6(0x2001_0db8 << 96 | 0x10)
    var arrivals = Arrivals.tried([
      arrival(.elsewhere), arrival(.refused, from: 40001),
      arrival(.unanswered, from: 40002, at: ipv6), arrival(.unanswered, from: 40003),
    ])
    arrivals.addDestinations(from: Array(Self.table.utf8))
    let found = arrivals.lost.map { $0.destination?.host.text(port: $0.destination?.port ?? 0) }
    #expect(found == ["10.224.0.2:8080", nil, "[fd00:224::2]:8080", nil])
    guard case .failed(let hijacked) = HostportHijackCheck.verdict(on: Self.listener, arrivals)
    else {
      Issue.record("a hijack does not fail")
      return
    }
    #expect(hijacked.what.hasPrefix("connections to 192.0.2.10, 2001:db8::10 do not"))
    #expect(
      hijacked.why
        == "a connection from here to 192.0.2.10:80 did not arrive here; it went to 10.224.0.2:8080"
    )
    #expect(
      hijacked.waysOut[0]
        == "kubectl get pods -A -o wide | grep -wF 10.224.0.2, and remove its hostPort")
  }

  @Test("believes the answer of a process without privileges only in its form")
  func message() {
    let all = [
      Arrivals.untried("the port is taken"), .tried([]),
      .tried([arrival(.arrived), arrival(.unanswered, at: .ipv6(1))]),
    ]
    #expect([Arrivals](message: all.message) == all)
    for length in 0..<all.message.count {
      #expect([Arrivals](message: Array(all.message.prefix(length))) == nil)
    }
  }
}

@Suite("An address as text")
struct AddressTextTests {
  @Test(
    "is that of RFC 5952",
    arguments: [
      "0.0.0.0", "192.0.2.10", "[::]", "[::1]", "[2001:db8::10]", "[2001:db8:0:1::]",
      "[1::2:0:0:3]",
      "[1:2:3:4:5:6:7:8]", "[fe80::1:0:0:1]", "[1:0:2:3:4:5:6:7]",
    ])
  func text(_ host: String) throws {
    let listener = Listener(source: "", address: .inet(host: host, port: 80))
    #expect(try #require(listener.host).text(port: 80) == "\(host):80")
  }
}

@Suite("The sockets that the kernel lists")
struct SocketTableTests {
  /// As Linux 6.1 writes them on a little-endian machine.
  private static let ipv4 = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
       0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1337        0 123456 1 0000000000000000 100 0 0 10 0                    
       1: 0A0200C0:0050 0A0200C0:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4294967299 1 0000000000000000 20 4 30 10 -1                
       2: garbage

    """
  private static let ipv6 = """
      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: B80D0120000000000000000010000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 7 1 0000000000000000 100 0 0 10 0

    """

  @Test("are read with address, port, user and file, of IPv4 and of IPv6")
  func parse() {
    let entries = SocketTable(Array(Self.ipv4.utf8)).entries
    #expect(entries.count == 2)
    #expect(entries[0].host == .ipv4(0x7f00_0001) && entries[0].port == 8001)
    #expect(entries[0].isListening && entries[0].uid == 1337 && entries[0].inode == 123456)
    #expect(!entries[1].isListening && entries[1].remotePort == 40000)
    #expect(entries[1].remoteHost == .ipv4(0xc000_020a) && entries[1].inode == 4_294_967_299)
    let six = SocketTable(Array(Self.ipv6.utf8)).entries
    #expect(six.map { $0.host.text(port: $0.port) } == ["[2001:db8::10]:80"])
  }
}

@Suite("port-taken, port-shared")
struct PortTests {
  private func listener(_ host: String, _ flags: String...) -> Listener {
    Listener(source: "X", address: .inet(host: host, port: 80), flags: flags)
  }

  private func blocks(_ host: ListenHost, _ listener: Listener, isCertain: Bool = true) -> Bool {
    let entry = SocketTable.Entry(
      host: host, port: 80, remoteHost: host, remotePort: 0, isListening: true, uid: 0, inode: 1)
    return entry.blocks(listener, isCertain: isCertain)
  }

  @Test("know which sockets keep nginx from an address")
  func blocks() {
    let (any, one, other) = (ListenHost.ipv4(0), ListenHost.ipv4(1), ListenHost.ipv4(2))
    #expect(blocks(any, listener("0.0.0.1")) && blocks(one, listener("0.0.0.0")))
    #expect(blocks(one, listener("0.0.0.1")) && !blocks(other, listener("0.0.0.1")))
    #expect(!blocks(.ipv6(0), listener("0.0.0.0")) && !blocks(one, listener("[::]")))
    #expect(blocks(.ipv6(0), listener("0.0.0.0"), isCertain: false))
    #expect(blocks(one, listener("[::]", "ipv6only=off")))
    #expect(!blocks(one, listener("[::1]", "ipv6only=off")))
  }

  @Test("fail with the process that has the port, and pass for the nginx of the prefix")
  func verdicts() {
    let holder = PortHolder(
      host: .ipv4(0), port: 80, uid: 33,
      process: PortHolder.Process(number: 7, name: "haproxy"))
    let plain = listener("192.0.2.1")
    #expect(PortChecks.taken(plain, .free) == .passed)
    #expect(PortChecks.taken(plain, .ofOwnNginx) == .passed)
    guard case .failed(let taken) = PortChecks.taken(plain, .taken([holder])) else {
      Issue.record("a taken port does not fail")
      return
    }
    #expect(
      taken.why
        == "process 7 (haproxy) of uid 33 listens on 0.0.0.0:80, and so on every address")
    #expect(PortChecks.shared(plain, .free) == nil)
    let shared = listener("0.0.0.0", "reuseport")
    #expect(PortChecks.shared(shared, .ofOwnNginx) == .passed)
    if case .failed = PortChecks.shared(shared, .shared([holder])) {
    } else {
      Issue.record("a shared port does not fail")
    }
  }

  @Test("warn of a running nginx that has more, or something else, than planned")
  func credentials() {
    func verdict(_ actual: Credentials?, _ planned: Credentials?) -> Finding.Verdict {
      RunningCheck.credentials(actual, planned: planned, process: 1, names: Situation.names).verdict
    }
    let planned = Situation.user(ambient: Situation.set("net_bind_service"), noNewPrivileges: true)
    #expect(verdict(planned, planned) == .passed)
    let more = Situation.user(
      ambient: Situation.set("net_bind_service", "net_raw"), noNewPrivileges: true)
    guard case .warning(let warning) = verdict(more, planned) else {
      Issue.record("no warning")
      return
    }
    #expect(
      warning.what == "nginx (process 1) differs from the plan: it has cap_net_raw in addition")
    guard case .warning(let root) = verdict(Situation.root(), planned) else {
      Issue.record("no warning")
      return
    }
    #expect(root.what.contains("uid 0 instead of 1337") && root.what.contains("no_new_privs off"))
    if case .skipped = verdict(planned, nil) {} else { Issue.record("without a plan") }
  }
}
