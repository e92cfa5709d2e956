import Foundation
@testable import Linux
@testable import Plan
@testable import Text
import Testing

@Suite("The processors that a start can use")
struct CPULimitTests {
  private func quota(_ script: String) throws -> CPUQuota? {
    let shell = try Shell()
    defer { shell.remove() }
    let outcome = try shell.run(#"cd "$T"; mkdir -p proc/self sys/fs/cgroup; "# + script)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return CPULimit.quota(root: ByteString(shell.directory.path))
  }

  @Test("are the fewest that cgroup v2 allows for the group and those above it")
  func version2() throws {
    let found = try quota(
      """
      echo 0::/pod/container >proc/self/cgroup; mkdir -p sys/fs/cgroup/pod/container
      echo '300000 100000' >sys/fs/cgroup/pod/container/cpu.max
      echo '150000 100000' >sys/fs/cgroup/pod/cpu.max
      echo 'max 100000' >sys/fs/cgroup/cpu.max
      """)
    #expect(found == CPUQuota(time: 150_000, period: 100_000))
  }

  @Test("come from the mount if the path is one from outside, in v2 and in v1")
  func outside() throws {
    let path = "/docker/0123"
    let version2 = try quota(
      "echo 0::\(path) >proc/self/cgroup; echo '50000 100000' >sys/fs/cgroup/cpu.max")
    let version1 = try quota(
      """
      echo 4:cpu,cpuacct:\(path) >proc/self/cgroup; mkdir sys/fs/cgroup/cpu; cd sys/fs/cgroup/cpu
      echo 50000 >cpu.cfs_quota_us; echo 100000 >cpu.cfs_period_us
      """)
    #expect(version2 == CPUQuota(time: 50_000, period: 100_000) && version1 == version2)
  }

  @Test("are those that nginx finds, and those that nproc finds, where nothing limits them")
  func real() {
    let limit = CPULimit.read()
    #expect(limit.online == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    #expect(limit.allowed == ProcessInfo.processInfo.activeProcessorCount)
  }

  @Test("are not limited by anything missing, endless, or not a file")
  func garbage() throws {
    let scripts = [
      "true", "echo 0::/ >proc/self/cgroup", "mkfifo proc/self/cgroup",
      "echo 0::/ >proc/self/cgroup; mkdir sys/fs/cgroup/cpu.max",
      "echo 0::/ >proc/self/cgroup; mkfifo sys/fs/cgroup/cpu.max",
      "echo 0::/ >proc/self/cgroup; ln -s /dev/zero sys/fs/cgroup/cpu.max",
      "ln -s /dev/zero proc/self/cgroup",
      "echo 1:cpu:/ >proc/self/cgroup; mkdir sys/fs/cgroup/cpu; echo -1 >sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    ]
    for script in scripts { #expect(try quota(script) == nil, "\(script)") }
  }

  /// A start with this limit, on a machine with at least two processors, so that the limit has an
  /// effect.
  private let stage = """
    cd "$T"; mkdir bin prefix; export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix"
    export ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
    for name in kong nginx; do
      printf '#!/bin/sh\\necho %s ${KONG_NGINX_WORKER_PROCESSES-unset}\\n' $name >bin/$name; chmod +x bin/$name
    done
    [ "$(nproc --all)" -ge 2 ] || { echo 'one processor is none to be limited'; exit 1; }

    """

  @Test("are passed to Kong if a real control group of the kernel limits them")
  func controlGroup() throws {
    let outcome = try shell(
      stage + Shell.controlGroup(.cpu) + """
        start() { within "$ENTRYPOINT" kong docker-start 2>err
          grep -o 'KONG_NGINX_WORKER_PROCESSES=1, .* processors' err || true; }
        limit 50000; start | sed 's/ [0-9]* proc/ N proc/'
        ENTRYPOINT_WORKERS=off start
        limit 100000000; start
        """)
    #expect(
      outcome.output == """
        kong 1
        nginx 1
        KONG_NGINX_WORKER_PROCESSES=1, because this container may use the time of 0.5 of the N processors
        kong unset
        nginx unset
        kong unset
        nginx unset

        """, "\(outcome.errors)")
  }

  @Test("are passed to Kong if it may run on one only, in a start and in its dry run")
  func affinity() throws {
    let outcome = try shell(
      stage + """
        taskset --cpu-list 0 "$ENTRYPOINT" kong docker-start 2>err
        taskset --cpu-list 0 "$ENTRYPOINT" --dry-run --format json kong docker-start | jq -c '[.workers.count, .workers.allowed]'
        taskset --cpu-list 0 "$ENTRYPOINT" --dry-run kong docker-start | grep -c -e KONG_NGINX_WORKER_PROCESSES=1 -e '1: this container may use 1 of'
        "$ENTRYPOINT" kong docker-start 2>err
        """)
    #expect(
      outcome.output == "kong 1\nnginx 1\n[1,1]\n3\nkong unset\nnginx unset\n", "\(outcome.errors)")
  }
}
