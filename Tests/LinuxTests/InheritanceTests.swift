import Foundation
import Testing

/// Starts of `kong docker-start` as www-data, with scripts for `kong` and nginx.
@Suite("What hooks, kong prepare and nginx inherit")
struct InheritanceTests {
  private func start(kong: String, nginx: String = "", _ command: String) throws -> Shell.Outcome {
    try shell(
      """
      mkdir "$T/bin"; mkdir -m 777 "$T/out"
      cat > "$T/bin/kong" <<'SCRIPT'
      #!/bin/sh
      cd "${0%/*}/../out"
      \(kong)
      SCRIPT
      cat > "$T/bin/nginx" <<'SCRIPT'
      #!/bin/sh
      cd "${0%/*}/../out"
      \(nginx)
      SCRIPT
      chmod +x "$T/bin"/*
      export PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
      export KONG_PREFIX="$T/prefix" KONG_PROXY_LISTEN=off ENTRYPOINT_LOG_LEVEL=warn
      cat > "$T/refuse" <<'PYTHON'
      # refuse CALL ERRNO COMMAND...: with a filter that has the kernel refuse one call (seccomp(2)).
      import ctypes, os, struct, sys
      call, error = int(sys.argv[1]), int(sys.argv[2])
      code = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, call, 6, 0, 0, 0x50000 | error, 6, 0, 0, 0x7FFF0000)
      class Program(ctypes.Structure):
          _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
      if ctypes.CDLL(None).prctl(22, 2, ctypes.byref(Program(4, code)), 0, 0) != 0: sys.exit("no filter")
      os.execvp(sys.argv[3], sys.argv[3:])
      PYTHON
      cd "$T"
      \(command)
      """)
  }

  private static let listing = #"""
    for number in 3 8 9; do [ ! -e /proc/$$/fd/$number ] || echo "${0##*/} has $number"; done
    [ -z "$NGINX" ] || echo "${0##*/} is told of $NGINX"
    """#

  @Test("has no descriptors, except those that NGINX names, for nginx")
  func descriptors() throws {
    let outcome = try start(
      kong: InheritanceTests.listing, nginx: InheritanceTests.listing,
      #"NGINX='9;' "$ENTRYPOINT" kong docker-start 3</dev/null 8</dev/null 9</dev/null"#)
    #expect(outcome.output == "nginx has 9\nnginx is told of 9;\n", "\(outcome.errors)")
  }

  @Test(
    "has no descriptors if the kernel or a seccomp profile lacks close_range",
    arguments: [1, 38])
  func fallback(reason: Int) throws {
    let outcome = try start(
      kong: InheritanceTests.listing, nginx: InheritanceTests.listing,
      #"NGINX='9;' python3 refuse 436 \#(reason) "$ENTRYPOINT" kong docker-start 3</dev/null 8</dev/null 9</dev/null"#
    )
    #expect(outcome.output == "nginx has 9\nnginx is told of 9;\n", "\(outcome.errors)")
  }

  @Test("has no way to inspect entrypoint, not even for its own user")
  func tracing() throws {
    let outcome = try start(
      kong: "cat /proc/$PPID/environ > /dev/null && echo environment; ls /proc/$PPID/fd || true",
      nginx: "cat /proc/$$/environ > /dev/null && echo nginx can be looked into",
      #"""
      mkdir -m 777 prefix
      # Where this user may execute it: the clone can be root's alone.
      cp "$ENTRYPOINT" entrypoint
      setpriv --reuid www-data --regid www-data --clear-groups \
        env -u ENTRYPOINT_USER "$T/entrypoint" kong docker-start
      """#)
    #expect(outcome.output == "nginx can be looked into\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("Permission denied"))
  }

  @Test("has no way to a supervisor's descriptors either, before that has closed what it got")
  func supervisor() throws {
    let outcome = try start(
      kong: "", nginx: "",
      #"""
      cat > taker <<'PYTHON'
      # Tries to take the descriptor 9 of entrypoint (pidfd_getfd(2)) until there is none.
      import ctypes, os, subprocess, time
      libc = ctypes.CDLL(None, use_errno=True)
      os.setgroups([]); os.setgid(33); os.setuid(33)
      while not (found := subprocess.run(["pgrep", "-o", "-x", "entrypoint"], capture_output=True).stdout): pass
      process = libc.syscall(434, int(found), 0)
      while ctypes.get_errno() in (0, 1):
          ctypes.set_errno(0)
          if libc.syscall(438, process, 9, 0) >= 0: print("taken", flush=True); break
          time.sleep(0.001)
      PYTHON
      python3 taker & taker=$!
      # nginx takes its time to begin.
      strace -f -o /dev/null -e trace=execve -e inject=execve:delay_enter=300000 \
        "$ENTRYPOINT" --init kong docker-start 9</etc/shadow
      wait $taker; echo "done"
      """#)
    #expect(outcome.output == "done\n", "\(outcome.errors)")
  }

  @Test("includes the end of entrypoint: kong prepare is killed with it")
  func parent() throws {
    let outcome = try start(
      kong: "echo $$ > pid; exec sleep 1000",
      #"""
      "$ENTRYPOINT" kong docker-start & start=$!
      until [ -s out/pid ]; do sleep 0.01; done
      kill -KILL $start
      for round in $(seq 200); do [ -e "/proc/$(<out/pid)" ] || break; sleep 0.01; done
      [ ! -e "/proc/$(<out/pid)" ] && echo gone
      """#)
    #expect(outcome.output == "gone\n", "\(outcome.errors)")
  }

  /// Three kinds: in its own group, in a session of its own, and an orphan.
  private static let daemons = #"""
    sleep 1001 > /dev/null 2>&1 &
    setsid sh -c 'sleep 1002 & exec sleep 1003' > /dev/null 2>&1 &
    (setsid sleep 1004 > /dev/null 2>&1 &)
    until [ "$(pgrep -c -x sleep)" -ge 4 ]; do sleep 0.01; done
    """#

  @Test(
    "from kong prepare has no processes, whether or not entrypoint is the first one and may kill others'",
    arguments: ["", "unshare --pid --fork --mount-proc", "capsh --drop=cap_kill --"])
  func orphans(wrapper: String) throws {
    let start =
      wrapper.hasPrefix("capsh")
      ? #"-c "'$ENTRYPOINT' kong docker-start""# : #""$ENTRYPOINT" kong docker-start"#
    let outcome = try self.start(
      kong: InheritanceTests.daemons, nginx: "pgrep -a -x sleep; echo nginx",
      #"\#(wrapper) \#(start)"#)
    #expect(outcome.output == "nginx\n", "\(outcome.errors)")
    #expect(
      outcome.errors.contains("entrypoint: warn: processes that kong prepare -p ")
        && outcome.errors.contains(" left running were killed: sleep"))
  }

  @Test("from hooks includes their processes, and what docker exec has started stays, too")
  func others() throws {
    let outcome = try start(
      kong: InheritanceTests.daemons, nginx: "pgrep -a -x sleep | cut -d ' ' -f 2- | sort",
      #"""
      mkdir "$T/hooks"; mkdir -p /docker-entrypoint.d; mount --bind "$T/hooks" /docker-entrypoint.d
      printf '#!/bin/sh\nsetsid sleep 2001 > /dev/null 2>&1 &\n' > hooks/1; chmod +x hooks/1
      setpriv --reuid www-data --clear-groups sleep 2002 > /dev/null 2>&1 &
      "$ENTRYPOINT" kong docker-start
      """#)
    #expect(outcome.output == "sleep 2001\nsleep 2002\n", "\(outcome.errors)")
  }
}
