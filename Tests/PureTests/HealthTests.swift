import Capabilities
import Kong
import Nginx
import Plan
import Settings
import Testing
import Text

@Suite("--health")
struct HealthTests {
  private func plan(
    _ value: String?, as credentials: Situation.Who = .root
  ) throws -> HealthPlan? {
    let variables = value.map { ["KONG_STATUS_LISTEN": $0] } ?? [:]
    let request = try Request(
      command: ["kong", "health"], options: Options(),
      environment: Situation.environment(variables))
    return try Planner(request: request, snapshot: Situation.host(credentials.value)).healthPlan()
  }

  @Test(
    "asks the first status listener that a plain request reaches, on the loopback address if it has all",
    arguments: [
      ("127.0.0.1:8100", "127.0.0.1:8100"), ("0.0.0.0:8100 reuseport", "127.0.0.1:8100"),
      ("[::]:8100", "[::1]:8100"), ("*:8100", "127.0.0.1:8100"),
      ("0.0.0.0:8443 ssl, 10.0.0.1:8100", "10.0.0.1:8100"),
    ])
  func address(value: String, endpoint: String) throws {
    #expect(try plan(value)?.address.endpoint == endpoint)
  }

  @Test(
    "leaves it to kong health if no listener can be asked",
    arguments: [
      nil, "", "off", "0.0.0.0:8100 ssl", "0.0.0.0:8100 proxy_protocol", "localhost:8100", "x",
    ])
  func none(value: String?) throws {
    #expect(try plan(value) == nil)
  }

  @Test("asks as kong, without any capability, whoever starts it")
  func credentials() throws {
    let root = try #require(try plan("127.0.0.1:8100"))
    let result = root.steps.credentials(from: Situation.root())
    #expect(result.user.effective == 1337 && result.permitted.isEmpty && result.bounding.isEmpty)
    #expect(result.noNewPrivileges)
    let user = try #require(try plan("127.0.0.1:8100", as: .arbitrary))
    let stays = user.steps.credentials(from: Situation.Who.arbitrary.value)
    #expect(stays.user.effective == 1_000_680_000 && stays.permitted.isEmpty)
  }

  @Test("says that root lacks the capabilities to become kong")
  func refused() {
    let failure = #expect(throws: StartFailure.self) { try plan("127.0.0.1:8100", as: .bareRoot) }
    #expect(failure?.status == 77)
  }

  @Test("is an option without a command and without --dry-run")
  func invocation() throws {
    let asked = try Invocation(["--health"])
    #expect(asked.action == .health && asked.command == ["kong", "health"])
    #expect(throws: StartFailure.self) { try Invocation(["--health", "kong", "health"]) }
    #expect(throws: StartFailure.self) { try Invocation(["--health", "--dry-run"]) }
  }
}

extension Situation {
  /// Who asks for the health.
  enum Who {
    case root, bareRoot, arbitrary

    var value: Credentials {
      switch self {
      case .root: Situation.root()
      case .bareRoot: Situation.root([])
      case .arbitrary: Situation.user(1_000_680_000)
      }
    }
  }
}
