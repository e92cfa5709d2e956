import Testing

@Suite("entrypoint, as root, with any command")
struct CommandTests {
  @Test("execs it unchanged: arguments and environment are the same bytes, in the same order")
  func unchanged() throws {
    let outcome = try shell(
      """
      cd "$T"
      run=(env -i $'A=\\xff\\x01\\n' B= $'odd\\xfe=1' noequals=1 PATH="$PATH" KONG_NGINX_DAEMON=off
        KONG_PG_PASSWORD=s3cret SWIFT_BACKTRACE=enable=yes)
      "${run[@]}" cat /proc/self/environ > expected
      "${run[@]}" "$ENTRYPOINT" cat /proc/self/environ > found 2> log
      cmp expected found
      test ! -s log
      "$ENTRYPOINT" cat /proc/self/cmdline -- $'\\xff\\n' '' 2>/dev/null | od -An -c | tr -d ' \\n'
      """)
    #expect(
      outcome.output == #"cat\0/proc/self/cmdline\0--\0377\n\0\0"#, "\(outcome.errors)")
  }

  @Test("sets KONG_NGINX_DAEMON=off unless it is set")
  func daemon() throws {
    let outcome = try shell(
      """
      "$ENTRYPOINT" printenv KONG_NGINX_DAEMON
      KONG_NGINX_DAEMON= "$ENTRYPOINT" printenv KONG_NGINX_DAEMON
      KONG_NGINX_DAEMON=on "$ENTRYPOINT" printenv KONG_NGINX_DAEMON
      """)
    #expect(outcome.output == "off\noff\non\n")
  }

  @Test("ends with 127 if the command is missing, with 126 if it cannot be executed")
  func missing() throws {
    let outcome = try shell(
      """
      status() { "$@" > /dev/null && echo 0 || echo $?; }
      status "$ENTRYPOINT" no-such-command
      status "$ENTRYPOINT" "$T/no-such-file"
      echo 'exit 3' > "$T/plain"; status "$ENTRYPOINT" "$T/plain"
      chmod +x "$T/plain"; status "$ENTRYPOINT" "$T/plain"
      printf '#!/no/such/interpreter\\n' > "$T/plain"; status "$ENTRYPOINT" "$T/plain"
      status "$ENTRYPOINT" /tmp
      PATH="$T:$PATH" status "$ENTRYPOINT" sh -c 'exit 7'
      """)
    #expect(outcome.output == "127\n127\n126\n126\n127\n126\n7\n")
    #expect(outcome.errors.contains("entrypoint: error: there is no command \"no-such-command\""))
    #expect(outcome.errors.contains("no user may execute it"))
    #expect(outcome.errors.contains("give a script a first line such as #!/bin/sh"))
    #expect(outcome.errors.contains("names the interpreter /no/such/interpreter, which does not"))
  }

  @Test("says why a file cannot be executed, and the advice helps")
  func reasons() throws {
    let outcome = try shell(
      """
      cd "$T"; failing() { "$ENTRYPOINT" "$@" 2>&1 && exit 9 || echo "$?"; }
      # An ELF file for another machine: e_machine 0xffff.
      cp /bin/true other; printf '\\377\\377' | dd of=other bs=1 seek=18 conv=notrunc status=none
      failing "$T/other" | grep -e 'docker run --platform' -e ^126
      printf '#! /bin/sh \\r\\nexit 7\\r\\n' > windows; sed -i 's/ //2' windows; chmod +x windows
      failing "$T/windows" > said; grep -e 'Windows line endings' -e ^127 said
      eval "$(sed -n 's/.*way out: sed/sed/p' said)"; failing "$T/windows"
      mkdir m; mount -t tmpfs -o noexec tmpfs m; cp /bin/true m
      cp /bin/true secret; chmod 700 secret
      for dry in '' --dry-run; do
        failing $dry --user www-data -- "$T/m/true" | grep -e 'why: its mount is noexec' -e ^126
        failing $dry --user www-data -- "$T/secret" | grep -e 'why: uid 33 cannot execute it' -e ^126
      done
      """)
    let denied = """
        why: its mount is noexec
      126
        why: uid 33 cannot execute it, or cannot enter a directory above it
      126

      """
    let found = outcome.output.replacing("entrypoint: error: ", with: "")
      .replacing(" (Permission denied)", with: "")
    #expect(found.hasSuffix(denied + denied), "\(found)\(outcome.errors)")
    #expect(found.contains("docker run --platform\n126\n"), "\(found)")
    #expect(
      found.contains(
        "  why: its first line names the interpreter /bin/sh\\x0d, which does not exist: the file has"
          + " Windows line endings\n127\n7\n"), "\(found)")
  }

  @Test("finds in a dry run that a program cannot run here, and ends with the same status")
  func cannotRun() throws {
    let outcome = try shell(
      """
      cd "$T"; mkdir bin prefix; export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix"
      export ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
      good() { cp /bin/true bin/nginx; cp /bin/true bin/kong; }
      start() { for dry in '' --dry-run; do
        "$ENTRYPOINT" $dry -- kong docker-start > out 2>&1 && echo 0 || echo "$?"
        grep -o 'why: .*' out | sed "s|$T||" || true; done; }
      good; printf '\\377\\377' | dd of=bin/nginx bs=1 seek=18 conv=notrunc status=none; start
      good; sed -i 's|/lib64/ld-linux|/lib64/no-linux|' bin/nginx; start
      good; printf '#!/usr/bin/no-env resty\\n' > bin/kong; start
      good; printf '#!/usr/bin/env no-resty\\n' > bin/kong; start
      good; printf '#!/usr/bin/env true\\n' > bin/kong; start
      """)
    let expected = [
      "126\nwhy: it is a program for another architecture (e_machine 65535), not for this machine",
      "127\nwhy: it needs the loader /lib64/no-linux-x86-64.so.2, which does not exist",
      "127\nwhy: its first line names the interpreter /usr/bin/no-env, which does not exist",
      "127\nwhy: its first line has env look up the interpreter no-resty, but no directory on PATH"
        + " has it",
    ].map { "\($0)\n\($0)\n" }.joined()
    #expect(outcome.output.hasPrefix(expected + "0\n"), "\(outcome.output)\(outcome.errors)")
  }

  @Test("predicts in a dry run of Kong's start what its user may not do")
  func foreseen() throws {
    let outcome = try shell(
      """
      cd "$T"; cp /bin/true kong; cp /bin/true nginx; mkdir prefix; touch k.conf; chmod 0600 k.conf
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/nginx"
      plan() { "$@" "$ENTRYPOINT" --dry-run --format json kong docker-start -c "$T/k.conf" |
        jq -r '.exit_status, .error.why // "", (.warnings[] | "\\(.what) \\(.why)")'; }
      export ENTRYPOINT_USER=www-data
      plan env
      chmod 0644 k.conf
      for dry in --dry-run ''; do
        env -u ENTRYPOINT_USER setpriv --reuid 33 --regid 33 --clear-groups "$ENTRYPOINT" $dry -- kong docker-start \
          2>&1 | grep -i -o 'error: .* cannot write' || true
      done
      plan env -u ENTRYPOINT_USER setpriv --reuid 33 --regid 33 --clear-groups
      for file in kong nginx; do
        chmod 0700 $file; ENTRYPOINT_USER=www-data plan env; chmod 0755 $file
      done
      """)
    let place = #"[^ ]*/entrypoint-test-[^ /]*"#
    let refused =
      "126\nuid 33 cannot execute it, or cannot enter a directory above it\n"
    let unread =
      "the settings in \(place)/k.conf are not known before kong prepare has run Permission denied\n"
    let expected = try Regex(
      "78\nPermission denied\n\(unread)"
        + "Error: www-data \\(33:33\\) cannot write\nerror: www-data \\(33:33\\) cannot write\n"
        + "77\nit is part of the image, has uid 0, gid 0, mode 0755, .*\n\(refused)\(refused)")
    #expect(outcome.output.wholeMatch(of: expected) != nil, "\(outcome.output)\(outcome.errors)")
  }

  @Test("uses Kong's list of options in a start and in its dry run")
  func listOfOptions() throws {
    let outcome = try shell(
      #"""
      cd "$T"; cp /bin/true kong; cp /bin/true nginx; mkdir prefix; chown www-data prefix .
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/nginx"
      export ENTRYPOINT_USER=www-data ENTRYPOINT_KONG_DEFAULTS="$T/list" KONG_ADMIN_GUI_LISTEN=80
      for option in '' 'admin_gui_listen = off'; do
        printf 'return [[\nproxy_listen = off\n%s\n]]\n' "$option" >list
        for dry in '' --dry-run; do
          "$ENTRYPOINT" $dry kong docker-start >/dev/null && echo 0 || echo $?
        done
      done
      """#)
    #expect(outcome.output == "0\n0\n78\n78\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test("says what to raise if it may open no file")
  func files() throws {
    let outcome = try shell(#"ulimit -n 3; exec "$ENTRYPOINT" true"#)
    #expect(outcome.status == 77)
    #expect(outcome.errors.contains("way out: docker run --ulimit nofile="), "\(outcome.errors)")
  }

  @Test("fails if it cannot write the plan, and reports earlier failures as JSON")
  func output() throws {
    let outcome = try shell(
      """
      for format in text json docker kubernetes; do
        "$ENTRYPOINT" --dry-run --format $format --user www-data -- true > /dev/full || echo $?
      done
      ENTRYPOINT_CAP_MODE=no "$ENTRYPOINT" --dry-run --format json true > plan || echo $?
      jq -c '[.possible, .exit_status, .error.what]' plan; rm plan
      """)
    #expect(
      outcome.output == "77\n77\n77\n77\n78\n[false,78,\"ENTRYPOINT_CAP_MODE is \\\"no\\\"\"]\n",
      "\(outcome.errors)")
    #expect(outcome.errors.contains("No space left on device"))
  }

  @Test("ends with 64 for wrong options and without a command, and knows --version and --help")
  func usage() throws {
    let outcome = try shell(
      """
      status() { "$@" > "$T/out" && echo 0 || echo $?; }
      status "$ENTRYPOINT"
      status "$ENTRYPOINT" --no-such-option sh
      status "$ENTRYPOINT" --cap-mode maybe sh
      status "$ENTRYPOINT" --format docker sh
      status "$ENTRYPOINT" --version; cat "$T/out"
      status "$ENTRYPOINT" --help; grep -c -e '^  --dry-run ' "$T/out"
      """)
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count == 8, "\(outcome.errors)")
    #expect(lines.prefix(5) == ["64", "64", "64", "64", "0"])
    // "entrypoint 0.1.0", and what scripts/build knew of the commit.
    #expect(lines[5].contains(/^entrypoint \d+\.\d+\.\d+( \((v[^ ]+, )?[0-9a-f]{8}\))?$/))
    #expect(lines[6...] == ["0", "1"], "\(outcome.errors)")
    #expect(outcome.errors.contains("add --dry-run"))
  }

  @Test("colours a dry run on a terminal only, and not with NO_COLOR")
  func colour() throws {
    let outcome = try shell(
      """
      plan="$ENTRYPOINT --dry-run --user www-data -- true"
      colours() { grep -c $'\\033' || true; }
      script -qc "$plan" /dev/null | colours
      NO_COLOR=1 script -qc "$plan" /dev/null | colours
      $plan | colours
      """)
    let counts = outcome.output.split(separator: "\n").compactMap { Int($0) }
    try #require(counts.count == 3, "\(outcome.errors)")
    #expect(counts[0] > 0 && counts[1] == 0 && counts[2] == 0)
  }

  @Test("drops to --user for good: every id, the groups, HOME, and all five capability sets")
  func drop() throws {
    let outcome = try shell(
      """
      "$ENTRYPOINT" --user www-data -- sh -c \
        'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Threads)" /proc/self/status; echo $HOME'
      """)
    #expect(
      outcome.output.replacing(/[ \t]+/, with: " ") == """
        Uid: 33 33 33 33
        Gid: 33 33 33 33
        Groups: 33\u{20}
        Threads: 1
        CapInh: 0000000000000000
        CapPrm: 0000000000000000
        CapEff: 0000000000000000
        CapBnd: 0000000000000000
        CapAmb: 0000000000000000
        NoNewPrivs: 1
        /var/www

        """, "\(outcome.errors)")
  }

  @Test(
    "becomes the same user as gosu, with the same groups and HOME, for every form of a user",
    arguments: [
      "www-data", "33", "www-data:", "www-data:daemon", "www-data:1", "33:4343", "4242",
      "4242:4343", "4242:daemon", "root", "0:0", "games:www-data",
    ])
  func gosu(form: String) throws {
    let outcome = try shell(
      """
      export HOME=/before
      # A user with supplementary groups of its own.
      cp /etc/group "$T/group"; echo 'entrypoint-test:x:4711:games,www-data' >> "$T/group"
      mount --bind "$T/group" /etc/group
      gosu '\(form)' sh -c 'id -u; id -g; id -G; echo $HOME' > "$T/expected"
      "$ENTRYPOINT" --user '\(form)' -- sh -c 'id -u; id -g; id -G; echo $HOME' > "$T/found"
      diff "$T/expected" "$T/found"
      """)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("keeps with --cap exactly the named capabilities, and the command can use them")
  func capability() throws {
    let outcome = try shell(
      """
      ip link set lo up
      "$ENTRYPOINT" --user 4242:4343 --cap net_bind_service -- python3 -c '
      import socket
      s = socket.create_server(("127.0.0.1", 80)); print("bound")
      print(*[l.split()[1] for l in open("/proc/self/status") if l.startswith("Cap")])'
      """)
    let sets = Array(repeating: "0000000000000400", count: 5).joined(separator: " ")
    #expect(outcome.output == "bound\n\(sets)\n", "\(outcome.errors)")
  }
}
