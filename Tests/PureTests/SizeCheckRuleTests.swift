import Capabilities
import Kong
import Nginx
import Plan
import Preflight
import Testing
import Text

/// The checks of processors, memory and room: the rules.
@Suite struct SizeCheckRuleTests {
  private func checked(
    _ variables: [String: String] = [:], others: [String: String] = [:], conf: String? = nil,
    limit: CPULimit? = nil
  ) throws -> CheckedStart {
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(variables))
    var host = Situation.host(Situation.root())
    host.cpuLimit = limit
    if let conf {
      host.files.configuration = KongFiles.ConfigurationFile(
        path: "/etc/kong/kong.conf", configuration: KongConfiguration(Array(conf.utf8)))
    }
    let planner = Planner(request: request, snapshot: host)
    return CheckedStart(
      planner, planner.plan(),
      variables: others.map { Environment.Variable(name: $0.key, value: ByteString($0.value)) })
  }

  private func generated(_ files: [ByteString: String]) -> NginxSizes {
    NginxSizes(
      main: "/p/nginx.conf",
      files: NginxFiles(
        matching: { _ in [] },
        read: { path, _ in files[path].map { .bytes(Array($0.utf8)) } ?? .absent }))
  }

  private func explanation(_ verdict: Finding.Verdict?) -> Explanation? {
    switch verdict {
    case .warning(let explanation), .failed(let explanation): explanation
    case .passed, .skipped, nil: nil
    }
  }

  private let half = CPULimit(
    online: 64, allowed: 64, quota: CPUQuota(time: 50_000, period: 100_000))

  // MARK: the generated configuration

  @Test func `workers and dictionaries are read from all files of the configuration`() {
    let sizes = generated([
      "/p/nginx.conf":
        "worker_processes 8; http { include 'nginx-kong.conf'; } stream { lua_shared_dict s 5m; }",
      "/p/nginx-kong.conf":
        "lua_shared_dict kong 512k; lua_shared_dict kong_db_cache 128m;"
        + " init_by_lua_block { lua_shared_dict = '{ 9m; ' } # lua_shared_dict x 1m;",
    ])
    #expect(sizes.workers == "8" && sizes.dictionaries == (133 << 20) + (512 << 10))
    #expect(generated([:]) == NginxSizes())
  }

  @Test func `a size is that of nginx, and hostile ones do no harm`() {
    let sizes: [ByteString: Int?] = [
      "128m": 128 << 20, "1K": 1024, "7": 7, "1g": nil, "": nil, "m": nil, "-1m": nil,
      "9999999999m": nil,
    ]
    for (text, size) in sizes { #expect(NginxSizes.bytes(in: text) == size, "\(text)") }
    let most = String(repeating: "lua_shared_dict x 999999999m;", count: 20_000)
    #expect(generated(["/p/nginx.conf": most]).dictionaries == 1 << 50)
  }

  // MARK: workers

  @Test func `the number of workers is that of the running nginx, else of the settings`() throws {
    let count = { (start: CheckedStart, running: NginxSizes?) in
      WorkerCount.of(start, running: running, online: 64)?.number
    }
    let set = ["KONG_NGINX_WORKER_PROCESSES": "5"]
    #expect(try count(checked(set), generated(["/p/nginx.conf": "worker_processes 3;"])) == 3)
    #expect(try count(checked(set), generated(["/p/nginx.conf": "worker_processes auto;"])) == 64)
    #expect(try count(checked(set), generated([:])) == 1)
    #expect(try count(checked(set), nil) == 5)
    #expect(try count(checked(["KONG_NGINX_MAIN_WORKER_PROCESSES": "auto"]), nil) == 64)
    #expect(try count(checked(["KONG_NGINX_WORKER_PROCESSES": "{vault://x}"]), nil) == nil)
    #expect(try count(checked(conf: "nginx_worker_processes = 7"), nil) == 7)
    #expect(try count(checked(limit: half), nil) == 1)
    #expect(try count(checked(["ENTRYPOINT_WORKERS": "off"], limit: half), nil) == 64)
    #expect(try count(checked(), nil) == 64)
  }

  @Test func `more than twice as many workers as processors are a warning with its arithmetic`()
    throws
  {
    let verdict = { (value: String, limit: CPULimit) in
      WorkersCheck.verdict(
        WorkerCount.of(
          try self.checked(["KONG_NGINX_WORKER_PROCESSES": value]), running: nil,
          online: limit.online),
        limit: limit)
    }
    let explanation = try #require(self.explanation(try verdict("auto", half)))
    #expect(explanation.what == "nginx has 64 workers for 1 processor")
    #expect(
      explanation.why.hasPrefix(
        "KONG_NGINX_WORKER_PROCESSES is auto, and this container may use the time of 0.5 of the 64 processors;"
      ))
    #expect(explanation.waysOut[0] == "unset KONG_NGINX_WORKER_PROCESSES, or set it to 1")
    #expect(explanation.waysOut[1].contains("docker run --cpus"))
    #expect(try verdict("3", half) == .passed)
    let eight = CPULimit(online: 8, allowed: 8)
    #expect(try verdict("16", eight) == .passed && verdict("auto", eight) == .passed)
    let many = try #require(self.explanation(try verdict("17", eight)))
    #expect(many.why.contains("this machine has 8 processors") && many.waysOut.count == 1)
    guard case .skipped = WorkersCheck.verdict(nil, limit: half) else {
      return #expect(Bool(false))
    }
  }

  // MARK: memory

  @Test func `a limit is a number of bytes, and neither version's word for none`() {
    let limit = { (text: String) in MemoryLimit(Array(text.utf8))?.bytes }
    #expect(limit("268435456\n") == 268_435_456 && limit("0\n") == 0)
    for text in ["max\n", "9223372036854771712\n", "", "\n", "-1\n", "1 2\n"] {
      #expect(limit(text) == nil, "\(text)")
    }
  }

  @Test func `shared memory is that of the running nginx, else two caches of the setting`() throws {
    let running = generated(["/p/nginx.conf": "lua_shared_dict x 9m;"])
    #expect(try SharedMemory.of(checked(), running: running).bytes == 9 << 20)
    let shared = { (others: [String: String], conf: String?) in
      try SharedMemory.of(self.checked(others: others, conf: conf), running: nil).bytes
    }
    #expect(try shared([:], nil) == 256 << 20)
    #expect(try shared([:], "mem_cache_size = 10m") == 20 << 20)
    #expect(try shared(["KONG_MEM_CACHE_SIZE": "64m"], "mem_cache_size = 10m") == 128 << 20)
    #expect(try shared(["KONG_MEM_CACHE_SIZE": "{vault://x}"], nil) == 0)
  }

  @Test func `a memory limit is too low only below the sum of workers and shared memory`() throws {
    let start = try checked(["KONG_NGINX_WORKER_PROCESSES": "4"])
    let verdict = { (mebibytes: Int?) in
      MemoryCheck.verdict(
        limit: mebibytes.map { MemoryLimit(bytes: $0 << 20) },
        WorkerCount.of(start, running: nil, online: 8), SharedMemory.of(start, running: nil))
    }
    #expect(verdict(448) == .passed)
    let explanation = try #require(self.explanation(verdict(447)))
    #expect(explanation.what == "the memory limit is 447 MiB, but Kong may need 448 MiB")
    #expect(
      explanation.why.hasPrefix(
        "4 workers with 48 MiB or more each and 256 MiB of shared memory (2 caches with mem_cache_size 128m)"
      ))
    #expect(explanation.waysOut.count == 3)
    guard case .skipped = verdict(nil) else { return #expect(Bool(false)) }
  }

  // MARK: prefix

  private func space(
    bytes: (UInt, UInt) = (1 << 30, 1 << 29), files: (UInt, UInt) = (1000, 900),
    isReadOnly: Bool = false, isNoExec: Bool = false, isPrepared: Bool = false
  ) -> PrefixSpace {
    PrefixSpace(
      bytes: .init(all: bytes.0, free: bytes.1), files: .init(all: files.0, free: files.1),
      isReadOnly: isReadOnly, isNoExec: isNoExec, isPrepared: isPrepared)
  }

  @Test func `no room at all is a failure before the first kong prepare, little is a warning`()
    throws
  {
    let start = try checked()
    let problems = { (space: PrefixSpace) in PrefixCheck.problems(start, space) }
    #expect(problems(space()).isEmpty)
    // Without a limit, a file system says 0.
    #expect(problems(space(bytes: (0, 0), files: (0, 0))).isEmpty)
    guard case .failed(let full)? = problems(space(bytes: (1 << 20, 0))).first,
      case .failed(let files)? = problems(space(files: (10, 0))).first,
      case .failed(let readOnly)? = problems(space(isReadOnly: true)).first,
      case .warning(let little)? = problems(space(bytes: (1 << 20, 500 << 10))).first,
      case .warning? = problems(space(bytes: (1 << 20, 0), isPrepared: true)).first
    else { return #expect(Bool(false)) }
    #expect(
      full.what == "there is room for 0 KiB in /usr/local/kong, and Kong needs 1024 KiB")
    #expect(files.what.contains("room for 0 files (inodes) in"))
    #expect(readOnly.why == "its file system is read-only")
    #expect(little.what.contains("room for 500 KiB"))
    #expect(problems(space(bytes: (1 << 20, 500 << 10), isPrepared: true)).isEmpty)
    #expect(problems(space(bytes: (1 << 20, 0), files: (10, 0))).count == 2)
  }

  @Test func `noexec matters only where a setting names libraries in the prefix`() throws {
    let noexec = space(isNoExec: true)
    #expect(PrefixCheck.problems(try checked(), noexec).isEmpty)
    let elsewhere = ["KONG_LUA_PACKAGE_CPATH": "/usr/lib/?.so;;"]
    #expect(PrefixCheck.problems(try checked(others: elsewhere), noexec).isEmpty)
    let inside = ["KONG_LUA_PACKAGE_CPATH": "/usr/lib/?.so;/usr/local/kong/lib/?.so;;"]
    let start = try checked(others: inside)
    #expect(PrefixCheck.problems(start, space()).isEmpty)
    #expect(
      explanation(PrefixCheck.problems(start, noexec).first)?.what
        == "nginx cannot load libraries in /usr/local/kong, which KONG_LUA_PACKAGE_CPATH names")
  }
}
