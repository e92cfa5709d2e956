import Plan
import Text
import Testing

@Suite("The advice after a problem")
struct AdviceTests {
  @Test("always exists, and never names what is already the case, in any situation")
  func byState() throws {
    var random = SeededGenerator(state: 3)
    var said = 0
    let rounds = rounds(8_000)
    for _ in rounds {
      var host = RandomSituation.host(using: &random)
      if Int.random(in: 0..<3, using: &random) == 0 {
        host.refusedWrite = RefusedWrite(what: "no", why: "no", wayOut: nil)
      }
      if Int.random(in: 0..<4, using: &random) == 0 {
        let prefix = PathEntry(
          path: "/usr/local/kong", kind: .directory, uid: 0, gid: 0, mode: 0o755)
        host.denials = [.writingPrefix(prefix, hasWritableSettings: false)]
      }
      var variables = RandomSituation.variables(using: &random)
      if Int.random(in: 0..<5, using: &random) == 0 { variables["LD_PRELOAD"] = "/opt/x.so" }
      if Int.random(in: 0..<5, using: &random) == 0 { variables["ENTRYPOINT_USER"] = "root" }
      let plan = try Situation.plan(variables, on: host)
      let explanations = plan.warnings + [plan.failure?.explanation].compactMap { $0 }
      for explanation in explanations {
        said += 1
        #expect(!explanation.waysOut.isEmpty, "\(explanation.what): \(explanation.why)")
        for way in explanation.waysOut {
          let reason = fault(of: way, host, variables)
          #expect(reason == nil, "\(reason ?? ""): \(explanation.what): \(way)")
        }
      }
    }
    #expect(said * 4 > rounds.count)
  }

  /// Why a way out leads nowhere.
  private func fault(
    of way: String, _ host: HostSnapshot, _ variables: [String: String]
  ) -> String? {
    let credentials = host.credentials
    let isRoot = credentials.user.effective == 0
    if isRoot,
      way.contains("--user 0") || way.contains("runAsUser: 0")
        || way.hasPrefix("start as root")
    {
      return "it is root"
    }
    for word in way.split(separator: "--cap-add ").dropFirst() {
      let name = word.prefix { $0 == "_" || $0.isLetter }.lowercased()
      // podman leaves a user what is added by name permitted, and then entrypoint's file gives it under
      // no_new_privs.
      let ofUser =
        credentials.noNewPrivileges && name == "net_bind_service"
        ? credentials.permitted.intersection(credentials.bounding) : credentials.bounding
      let has = isRoot ? credentials.effective : ofUser
      if let capability = Situation.names.capability(named: name), has.contains(capability) {
        return "it has \(name)"
      }
    }
    for name in ["ENTRYPOINT_CAP_MODE", "ENTRYPOINT_NO_NEW_PRIVS", "ENTRYPOINT_USER"]
    where way.contains("leave out \(name)") && variables[name] ?? "auto" == "auto" {
      return "\(name) is not set"
    }
    if way.hasSuffix("(2)") || way.contains("manual page") { return "it is a manual page" }
    return nil
  }
}
