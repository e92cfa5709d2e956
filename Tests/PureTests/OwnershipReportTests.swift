import Capabilities
import Kong
import Text
import Testing

@Suite("The report after the prefix changed its owner")
struct OwnershipReportTests {
  @Test("says nothing if everything belongs to the user")
  func quiet() {
    var report = OwnershipReport()
    report.examined = 100
    report.changed = 7
    #expect(report.warnings(prefix: .standard, user: "kong", held: []).isEmpty)
  }

  @Test("has at most two warnings of limited length, however much was skipped")
  func bounded() {
    var report = OwnershipReport()
    for number in 0..<100_000 {
      report.leave(ByteString("/kong/\(number)"), number % 2 == 0 ? .hardLink : .refused("no"))
    }
    #expect(report.left.count == 50_000 && report.refused.count == 50_000)
    #expect(report.left.shown.count == 10 && report.refused.shown.count == 10)
    let warnings = report.warnings(prefix: .standard, user: "kong", held: [])
    #expect(warnings.count == 2)
    #expect(warnings[0].what.contains("50000 entries") && warnings[0].why.contains("/kong/1: "))
    #expect(warnings[1].what.hasSuffix(" and 49990 more"))
    #expect(warnings.allSatisfy { $0.what.utf8.count + $0.why.utf8.count < 2000 })
  }

  @Test("distinguishes a directory that changed its owner from its contents, which were unreadable")
  func unread() {
    var report = OwnershipReport()
    report.leave("/kp", .unreadable("Permission denied"))
    let warning = report.warnings(prefix: .standard, user: "kong", held: [])[0]
    #expect(warning.what == "not given to kong: the contents of /kp")
    #expect(warning.waysOut[0].hasPrefix("docker run --cap-add DAC_OVERRIDE"))
  }

  @Test("says how to give away what an earlier start as root, or a Dockerfile, left in the prefix")
  func foreign() {
    var report = OwnershipReport()
    report.leave("/kong/.kong_env", .foreign(0))
    let warning = report.warnings(prefix: .standard, user: "1337", held: [])[0]
    #expect(warning.what == "not given to 1337: /kong/.kong_env")
    #expect(warning.why == "of uid 0, and the user could have moved it there")
    #expect(warning.waysOut[0].hasSuffix("chown -hR 1337:0 /kong/.kong_env"))
    #expect(warning.waysOut[1] == "in a Dockerfile: COPY --chown=1337:0")
  }

  @Test("suggests no capability that is held: then it is an NFS server, or a user namespace")
  func held() {
    var report = OwnershipReport()
    report.leave("/kong/a", .refused("Operation not permitted"))
    report.leave("/kong/b", .unreadable("Permission denied"))
    let warnings = { (names: CapabilitySet) in
      report.warnings(prefix: .standard, user: "1337", held: names)
    }
    for warning in warnings(Situation.dockerDefault) {
      #expect(!warning.waysOut.contains { $0.contains("cap-add") })
      #expect(warning.waysOut[0].hasPrefix("on NFS: chown -R 1337:0 on the server"))
    }
    #expect(warnings(Situation.dockerDefault)[0].why.contains("root_squash"))
    let without = warnings(Situation.dockerDefault.subtracting(Situation.set("chown")))
    #expect(without[0].waysOut[0].hasPrefix("docker run --cap-add CHOWN; Kubernetes"))
  }

  @Test("prints paths in one printable line")
  func printable() {
    var report = OwnershipReport()
    report.leave(ByteString(Array("/kong/a\nentrypoint: error".utf8) + [0xff]), .device)
    let warning = report.warnings(prefix: .standard, user: "kong", held: [])[0]
    #expect(warning.what == #"not given to kong: /kong/a\x0aentrypoint: error\xff"#)
    #expect(warning.why == "a device")
  }
}
