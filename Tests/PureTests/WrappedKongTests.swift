import Text
import Testing

@Suite("A kong command behind another word")
struct WrappedKongTests {
  private func warnings(
    _ command: [ByteString], _ variables: [String: String] = [:]
  ) throws -> [Explanation] {
    let plan = try Situation.plan(variables, on: Situation.host(Situation.user()), command: command)
    #expect(plan.failure == nil)
    return plan.prepareWarnings
  }

  private static let secret = ["KONG_PG_PASSWORD_FILE": "/run/secrets/password"]

  @Test(
    "does not get its secrets, with a warning that names them and the command to write",
    arguments: [
      (
        ["sh", "-c", "kong migrations bootstrap && kong migrations up"], "kong migrations bootstrap"
      ),
      (
        ["/bin/bash", "-euc", "sleep 5; exec kong start -c /etc/kong.conf"],
        "kong start -c /etc/kong.conf"
      ),
      (["/bin/sh", "-c", "/usr/local/bin/kong reload"], "kong reload"),
      (["sh", "-c", "exec \"$@\"", "sh", "kong", "health"], "kong health"),
      (["sh", "-c", "kong prepare -p \"$P\""], "kong prepare -p ..."),
      (["env", "KONG_LOG_LEVEL=debug", "kong", "prepare"], "kong prepare"),
      (["busybox", "sh", "-c", "kong reload\necho"], "kong reload"),
      (["gosu", "kong", "kong", "quit"], "kong quit"),
      (["/usr/local/bin/kong", "reload"], "kong reload"),
    ] as [([ByteString], String)])
  func secrets(command: [ByteString], words: String) throws {
    let warnings = try warnings(command, Self.secret)
    try #require(warnings.count == 1)
    #expect(
      warnings[0].what
        == "KONG_PG_PASSWORD_FILE: passed on unread, so \(words) does not get what is in"
        + " the file")
    #expect(warnings[0].why.hasSuffix("begins with \(command[0])"))
    #expect(warnings[0].waysOut.first?.contains(": \(words)") == true)
    // Without a secret it lacks nothing.
    let others = [
      "KONG_PG_PASSWORD_FILE": "", "KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE": "/a",
      "KONG_RESOLVER_HOSTS_FILE": "/b",
    ]
    #expect(try self.warnings(command, others).isEmpty)
  }

  @Test(
    "is no start of Kong if it is kong docker-start, with a warning that has the right command line",
    arguments: [
      (["sh", "-c", "kong docker-start --vv"], "kong docker-start --vv"),
      (
        ["/bin/bash", "-c", "ulimit -n 4096 && exec /usr/bin/kong docker-start"],
        "kong docker-start"
      ),
      (["tini", "--", "kong", "docker-start"], "kong docker-start"),
    ] as [([ByteString], String)])
  func dockerStart(command: [ByteString], words: String) throws {
    let warnings = try warnings(command)
    try #require(warnings.count == 1)
    #expect(warnings[0].what.hasPrefix("\(command[0]) runs unchanged: "))
    #expect(
      warnings[0].waysOut == [
        "leave out \(command[0]), and write the command: \(words)",
        "if \(command[0]) has to run something first: exec entrypoint \(words)",
      ])
    #expect(try self.warnings(command, Self.secret).count == 2)
  }

  @Test(
    "is not meant if Kong is only mentioned, or read from elsewhere",
    arguments: [
      ["sh", "-c", "chown -R kong /srv && nginx"], ["sh", "-c", "echo kong"],
      ["sh", "-c", "kong version"],
      ["gosu", "kong", "nginx"], ["sh", "/start.sh", "kong"], ["sh"], ["env"],
      ["grep", "kong start", "/etc/motd"], ["echo", "kong", "docker-start"],
      ["sh", "-c", "cd /usr/local/kong; start"], ["sh", "-c", "su kong; reload"], ["nginx", "-t"],
      ["sh", "-c", "echo", "kong", "nginx"],
    ] as [[ByteString]])
  func others(command: [ByteString]) throws {
    #expect(try warnings(command, Self.secret).isEmpty)
  }
}
