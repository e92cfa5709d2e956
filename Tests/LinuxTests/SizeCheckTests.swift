import Foundation
import Testing
import Text

@testable import Linux
@testable import Plan

/// The checks of processors, memory and room, as a user sees them.
@Suite("--check of what a start needs") struct SizeCheckTests {
  /// Runs the checks of a start by root that drops to www-data, and returns the lines of one of them.
  ///
  /// The exit status is 0, 78 if a check failed, or 77 if the plan says so, too.
  ///
  /// - Parameters:
  ///   - settings: assignments for env(1).
  ///   - wrapper: a command that runs another.
  private func check(
    _ name: String, _ settings: String = "", before: String = "", wrapper: String = ""
  ) throws -> [String] {
    let outcome = try shell(
      """
      mkdir "$T/bin" "$T/prefix"; cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
      \(before)
      \(wrapper) env -i PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" KONG_PREFIX="$T/prefix" \(settings) \\
        "$ENTRYPOINT" --check --user www-data kong docker-start || [ $? -ge 77 ]
      """)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    var isOwn = false
    return outcome.output.split(separator: "\n").map(String.init).filter { line in
      if !line.hasPrefix(" ") {
        let words = line.split { $0 == " " || $0 == ":" }
        isOwn = words.dropFirst().first == name[...]
      }
      return isOwn
    }
  }

  @Test func `more workers than processors are named with the limit of the kernel`() throws {
    let own = try check(
      "workers", "KONG_NGINX_WORKER_PROCESSES=9", wrapper: "taskset --cpu-list 0")
    #expect(
      own.first?.hasSuffix("nginx has 9 workers for 1 processor") == true,
      "\(own)")
    #expect(own.contains { $0.contains("way out: unset KONG_NGINX_WORKER_PROCESSES") })
    let usual = try check("workers", wrapper: "taskset --cpu-list 0")
    #expect(usual.count == 1 && usual[0].hasPrefix("passed"), "\(usual)")
  }

  @Test func `the memory limit of a real control group is compared with what Kong may need`()
    throws
  {
    let group = Shell.controlGroup(.memory)
    let settings = "KONG_NGINX_WORKER_PROCESSES=2 KONG_MEM_CACHE_SIZE=64m"
    let low = try check("memory", settings, before: group + "limit 200M", wrapper: "within")
    #expect(
      low.first?.hasSuffix("the memory limit is 200 MiB, but Kong may need 224 MiB") == true,
      "\(low)")
    let enough = try check("memory", settings, before: group + "limit 226M", wrapper: "within")
    #expect(enough.count == 1 && enough[0].hasPrefix("passed"), "\(enough)")
  }

  @Test func `a memory limit is the lowest of the group and those above it, in v2 and in v1`()
    throws
  {
    let limit = { (script: String) in
      let shell = try Shell()
      defer { shell.remove() }
      let outcome = try shell.run(#"cd "$T"; mkdir -p proc/self sys/fs/cgroup; "# + script)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return MemoryLimit.read(root: ByteString(shell.directory.path))?.bytes
    }
    #expect(
      try limit(
        """
        echo 0::/pod/container >proc/self/cgroup; mkdir -p sys/fs/cgroup/pod/container
        echo max >sys/fs/cgroup/pod/container/memory.max; echo 4096 >sys/fs/cgroup/pod/memory.max
        """) == 4096)
    #expect(
      try limit(
        """
        echo 4:memory:/docker/1 >proc/self/cgroup; mkdir sys/fs/cgroup/memory
        echo 8192 >sys/fs/cgroup/memory/memory.limit_in_bytes
        """) == 8192)
    for script in ["true", "echo 0::/ >proc/self/cgroup; mkfifo sys/fs/cgroup/memory.max"] {
      #expect(try limit(script) == nil)
    }
  }

  @Test func `a full tmpfs, one without inodes and one with little room are told apart`() throws {
    let mount = { (options: String) in
      "mount -t tmpfs -o mode=777,\(options) none $T/prefix; "
    }
    let full = try check(
      "prefix", before: mount("size=64k") + "head -c 64k /dev/zero >$T/prefix/x || true")
    #expect(full.first?.hasPrefix("failed") == true, "\(full)")
    #expect(full.first?.contains("there is room for 0 KiB in") == true)
    let files = try check("prefix", before: mount("nr_inodes=2") + "touch $T/prefix/x")
    #expect(files.first?.hasPrefix("failed") == true, "\(files)")
    #expect(files.first?.contains("room for 0 files (inodes) in") == true)
    let little = try check("prefix", before: mount("size=64k"))
    #expect(little.first?.hasPrefix("warning") == true, "\(little)")
    #expect(little.first?.contains("room for 64 KiB in") == true)
    let readOnly = try check("prefix", before: mount("ro"))
    #expect(readOnly.contains { $0.hasSuffix("why: its file system is read-only") }, "\(readOnly)")
    for options in ["size=2m", "size=0,nr_inodes=0", "noexec"] {
      let own = try check("prefix", before: mount(options))
      #expect(own.count == 1 && own[0].hasPrefix("passed"), "\(options): \(own)")
    }
    // Neither the prefix nor the directory above it is there yet.
    let absent = try check("prefix", "KONG_PREFIX=$T/prefix/a/b", before: mount("size=64k"))
    #expect(absent.first?.contains("room for 64 KiB in") == true, "\(absent)")
  }
}
