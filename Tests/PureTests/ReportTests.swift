import Capabilities
import Plan
import Report
import Text
import Foundation
import Testing

@Suite("The output")
struct ReportTests {
  @Test("for people has listeners, needs, grant, steps and the resulting credentials")
  func text() throws {
    let host = Situation.host(Situation.root())
    let text = PlanText(try Situation.plan(on: host), snapshot: host, isColored: false).render()
    for part in [
      "Plan for `kong docker-start`", "Started with\n  user              uid 0\n  permitted    ",
      "0.0.0.0:443     needs cap_net_bind_service  KONG_PROXY_LISTEN            ssl",
      "file: cap_net_bind_service=ep on /usr/local/openresty/nginx/sbin/nginx",
      "kong prepare -p /usr/local/kong", "all but cap_net_bind_service",
      "user              kong (1337:0), groups 0,33", "no_new_privs      on",
    ] { #expect(text.contains(part), "\(part)") }
    #expect(!text.contains("\u{1b}"))
  }

  @Test("for programs has the credentials at the start, or nothing before these are known")
  func startedAs() throws {
    func keys(_ report: PlanReport) throws -> [String: Any] {
      try #require(
        try JSONSerialization.jsonObject(with: Data(report.json.lines.utf8)) as? [String: Any])
    }
    let host = Situation.host(
      Situation.user(ambient: CapabilitySet(.netRaw), bounding: CapabilitySet(.netRaw)))
    let plan = try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host)
    let start = try #require(
      try keys(PlanReport(plan, snapshot: host))["started_as"] as? [String: Any])
    #expect(start["uid"] as? Int == 1337 && start["no_new_privs"] as? Bool == false)
    for set in ["permitted", "bounding", "ambient"] {
      #expect(start[set] as? [String] == ["cap_net_raw"])
    }
    let early = try keys(PlanReport(plan, snapshot: nil))
    #expect(early["started_as"] == nil && early["exit_status"] as? Int == 0)
  }

  @Test("has colours only on request, with the same text")
  func colour() throws {
    let host = Situation.host(
      Situation.user(), streams: [StandardStream(descriptor: 1, kind: .socket)])
    let plan = try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host)
    let plain = PlanText(plan, snapshot: host, isColored: false).render()
    let colored = PlanText(plan, snapshot: host, isColored: true).render()
    #expect(colored.contains("\u{1b}[33mWarning"))
    #expect(colored.replacing(/\u{1b}\[[0-9]*m/, with: "") == plain)
  }

  @Test("for kong reload says what its nginx -t gets, and why, in text and as JSON")
  func reload() throws {
    let host = Situation.host(Situation.root())
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: host, command: ["kong", "reload"])
    let text = PlanText(plan, snapshot: host, isColored: false).render()
    let reason = "it ends with nginx -t, which binds KONG_PROXY_LISTEN 0.0.0.0:80"
    #expect(
      text.contains("\nGrant\n  kong reload: ambient cap_net_bind_service (\(reason))\n\nLaunch\n"))
    let json = PlanReport(plan, snapshot: host).json.line
    #expect(json.contains("\"reason\":\"\(reason)\""))
  }

  @Test("for a failing plan says so, with why and each way out")
  func failure() throws {
    let host = Situation.host(Situation.root(), proxy: .absent)
    let text = PlanText(try Situation.plan(on: host), snapshot: host, isColored: false).render()
    #expect(text.contains("This start cannot succeed: exit status 127."))
    #expect(text.contains("Error: there is no nginx at /usr/local/openresty/nginx/sbin/nginx"))
    #expect(
      text.contains("  way out: give the path of nginx with --proxy PATH or ENTRYPOINT_PROXY"))
  }

  @Test("on standard error begins each line with the program and the level")
  func log() {
    let explanation = Explanation(what: "a", why: "b", waysOut: ["c", "d"])
    #expect(
      LogFormat.text.text(.warn, explanation) == """
        entrypoint: warn: a
        entrypoint: warn:   why: b
        entrypoint: warn:   way out: c
        entrypoint: warn:   way out: d

        """)
  }

  @Test("on standard error as JSON is one line, whatever the text contains")
  func jsonLog() {
    let explanation = Explanation(what: "a\"\\\n\u{1}é", why: "", waysOut: ["x"])
    #expect(
      LogFormat.json.text(.error, explanation)
        == #"{"program":"entrypoint","level":"error","what":"a\"\\\u000a\u0001é","ways_out":["x"]}"#
        + "\n")
  }

  @Test("has at most three reasons in a line, and counts the others")
  func summary() throws {
    let value = (1...500).map { "0.0.0.0:\($0)" }.joined(separator: ",")
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": value], on: Situation.host(Situation.root()))
    let summary = try #require(plan.summary(Situation.names))
    #expect(summary.contains("KONG_PROXY_LISTEN 0.0.0.0:3 and 497 more"))
  }
}
