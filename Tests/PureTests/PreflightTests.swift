import Kong
import Nginx
@testable import Plan
import Preflight
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
    let report = CheckReport(plan, Self.findings)
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
