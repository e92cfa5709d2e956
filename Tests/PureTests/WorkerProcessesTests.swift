import Kong
import Plan
import Text
import Testing

@Suite("The number of nginx's workers")
struct WorkerProcessesTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func plan(
    _ variables: [String: String] = [:], limit: CPULimit?, conf: String? = nil,
    command: [ByteString] = ["kong", "docker-start"]
  ) throws -> Plan {
    var host = Situation.host(Situation.root())
    host.cpuLimit = limit
    if let conf {
      host.files.configuration = KongFiles.ConfigurationFile(
        path: "/etc/kong/kong.conf", configuration: KongConfiguration(bytes(conf)))
    }
    return try Situation.plan(variables, on: host, command: command)
  }

  private func half(of online: Int) -> CPULimit {
    CPULimit(online: online, allowed: online, quota: CPUQuota(time: 50_000, period: 100_000))
  }

  private func workers(_ execution: Execution?) -> String? {
    execution?.environment.first { $0.name == "KONG_NGINX_WORKER_PROCESSES" }?.description
  }

  @Test("counts the processors of a list of the kernel's, and takes nothing else for one")
  func list() {
    let lists = ["0\n": 1, "0-3\n": 4, "0-3,5,8-9": 7, "0-1023": 1024, "7-7,9": 2]
    for (text, count) in lists { #expect(CPULimit.count(ofList: bytes(text)) == count, "\(text)") }
    let others = "|\n|-|1-|-1|3-2|0,|,0|0-1-2|a|0 1|1234567890123456".split(
      separator: "|", omittingEmptySubsequences: false)
    for text in others {
      #expect(CPULimit.count(ofList: bytes(String(text))) == nil, "\(text)")
    }
  }

  @Test("is the number of processors that the container may use, for kong prepare and nginx alike")
  func both() throws {
    let plan = try plan(limit: half(of: 8))
    let told = "KONG_NGINX_WORKER_PROCESSES=1"
    #expect(workers(plan.launch.execution) == told)
    guard case .run(let steps, _)? = plan.prepare.last else {
      Issue.record("kong prepare does not run")
      return
    }
    #expect(workers(steps.execution) == told)
    #expect(
      plan.workers?.text
        == "KONG_NGINX_WORKER_PROCESSES=1, because this container may use the time of 0.5 of the 8"
        + " processors; ENTRYPOINT_WORKERS=off leaves it to Kong")
    let reload = try self.plan(limit: half(of: 8), command: ["kong", "reload"])
    #expect(workers(reload.launch.execution) == told)
  }

  @Test("depends on the processors that the container may run on, too")
  func allowed() throws {
    let plan = try plan(limit: CPULimit(online: 8, allowed: 3))
    #expect(workers(plan.launch.execution) == "KONG_NGINX_WORKER_PROCESSES=3")
    #expect(plan.workers?.reason == "this container may use 3 of the 8 processors")
  }

  @Test(
    "is Kong's own default without a limit below the number of processors",
    arguments: [
      nil, CPULimit(online: 2, allowed: 2),
      CPULimit(online: 2, allowed: 2, quota: CPUQuota(time: 150_000, period: 100_000)),
      CPULimit(online: 2, allowed: 2, quota: CPUQuota(time: 900_000, period: 100_000)),
    ])
  func noLimit(limit: CPULimit?) throws {
    let plan = try plan(limit: limit)
    #expect(plan.workers == nil && workers(plan.launch.execution) == nil)
  }

  @Test("is the one in the environment, a secret's file or kong.conf, whatever that is")
  func set() throws {
    let limit = half(of: 8)
    for name in ["KONG_NGINX_WORKER_PROCESSES", "KONG_NGINX_MAIN_WORKER_PROCESSES"] {
      for value in ["4", "auto", ""] {
        #expect(try plan([name: value], limit: limit).workers == nil)
      }
      let setting = name.dropFirst("KONG_".count).lowercased()
      #expect(try plan(limit: limit, conf: "\(setting) = 4\n").workers == nil)
      let request = try Request(
        command: ["kong", "docker-start"], options: Options(), environment: Environment())
      var host = Situation.host(Situation.root())
      host.cpuLimit = limit
      host.secrets = .known([
        ResolvedSecret(
          reference: SecretReference(variable: name, path: "/run/n"), secret: Secret(bytes("4")))
      ])
      let plan = Planner(request: request, snapshot: host).plan()
      #expect(plan.failure == nil && plan.workers == nil)
    }
    #expect(try plan(limit: limit, conf: "nginx_http_worker = 4\n").workers?.count == 1)
  }

  @Test("is left to Kong with ENTRYPOINT_WORKERS=off, and for another command")
  func off() throws {
    #expect(try plan(["ENTRYPOINT_WORKERS": "off"], limit: half(of: 8)).workers == nil)
    #expect(try plan(limit: half(of: 8), command: ["kong", "health"]).workers == nil)
    #expect(throws: StartFailure.self) {
      try plan(["ENTRYPOINT_WORKERS": "2"], limit: half(of: 8))
    }
  }

  @Test("is always enough for the time, never more than needed, and below the number of processors")
  func property() throws {
    var random = SeededGenerator(state: 5)
    var limited = 0
    let rounds = rounds(1_000)
    for _ in rounds {
      let online = Int.random(in: 1...64, using: &random)
      let allowed = Int.random(in: 1...online, using: &random)
      let quota = CPUQuota(
        time: Int.random(in: 1_000...(70 * 100_000), using: &random),
        period: Int.random(in: 1_000...1_000_000, using: &random))
      let plan = try plan(limit: CPULimit(online: online, allowed: allowed, quota: quota))
      let quotaOfAll = try #require(quota)
      guard let workers = plan.workers else {
        #expect(allowed == online && quotaOfAll.time > (online - 1) * quotaOfAll.period)
        continue
      }
      limited += 1
      #expect((1..<online).contains(workers.count) && workers.count <= allowed)
      let isEnough = workers.count * quotaOfAll.period >= quotaOfAll.time
      #expect(isEnough || workers.count == allowed)
      #expect(workers.count == 1 || (workers.count - 1) * quotaOfAll.period < quotaOfAll.time)
    }
    #expect(limited * 2 > rounds.count)
  }

  @Test(
    "ignores a file with anything but the kernel's numbers",
    arguments: [
      "", "max 100000\n", "max", "50000", "50000 0\n", "0 100000\n", "-1 100000\n", "5e4 100000\n",
      "50000 100000 1\n", "9999999999999999 1\n", "\u{0}", "50000 ١\n",
    ])
  func garbage(text: String) {
    #expect(CPUQuota(max: bytes(text)) == nil)
    #expect(CPUQuota(quota: bytes(text), period: bytes("100000\n")) == nil || text == "50000")
  }

  @Test("is the smaller quota of two, however large the numbers are")
  func smaller() throws {
    let quota = { (time: Int, period: Int) in try #require(CPUQuota(time: time, period: period)) }
    #expect(try quota(50_000, 100_000).isBelow(quota(6_000, 10_000)))
    #expect(try !quota(50_000, 100_000).isBelow(quota(5_000, 10_000)))
    let most = 999_999_999_999_999
    #expect(try quota(most - 1, most).isBelow(quota(most, most - 1)))
  }

  @Test("depends on each directory of the control group, up to the mount")
  func directories() throws {
    let v2 = try #require(ControlGroup(bytes("0::/kubepods/pod1/c1\n"), of: .cpu))
    #expect(v2.version == 2)
    #expect(
      v2.directories == [
        "/sys/fs/cgroup/kubepods/pod1/c1", "/sys/fs/cgroup/kubepods/pod1",
        "/sys/fs/cgroup/kubepods", "/sys/fs/cgroup",
      ])
    let v1 = try #require(
      ControlGroup(
        bytes("12:cpuset:/a\n5:cpuacct,cpu:/docker/1:2\n1:name=systemd:/b\n0::/c\n"), of: .cpu))
    #expect(v1.version == 1)
    #expect(
      v1.directories == [
        "/sys/fs/cgroup/cpu/docker/1:2", "/sys/fs/cgroup/cpu/docker", "/sys/fs/cgroup/cpu",
      ])
    #expect(ControlGroup(bytes("0::/../../x\n"), of: .cpu)?.directories == ["/sys/fs/cgroup"])
    #expect(ControlGroup(bytes("0::/\n"), of: .cpu)?.directories == ["/sys/fs/cgroup"])
    let deep = "0::" + String(repeating: "/a", count: 4_000) + "\n"
    #expect(ControlGroup(bytes(deep), of: .cpu)?.directories.count == 33)
    for text in ["", "0::", "x", "5:cpuset:/\n", "0::relative\n", "::/\n", "\u{0}"] {
      #expect(ControlGroup(bytes(text), of: .cpu) == nil, "\(text)")
    }
  }
}
