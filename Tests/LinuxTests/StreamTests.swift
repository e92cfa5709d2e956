import Testing

/// A start of `kong docker-start` with a script as proxy.
private func shell(proxy: String, _ command: String) throws -> Shell.Outcome {
  try shell(
    """
    mkdir -p "$T/bin"
    printf '#!/bin/sh\\nexit 0\\n' > "$T/bin/kong"
    cat > "$T/bin/nginx" <<'PROXY'
    #!/bin/sh
    \(proxy)
    PROXY
    chmod +x "$T/bin"/*
    export PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
    export KONG_PROXY_LISTEN=off ENTRYPOINT_LOG_LEVEL=error KONG_PREFIX="$T/prefix"
    \(command)
    """)
}

@Suite("Standard output and error")
struct StreamTests {
  private func run(_ command: String) throws -> Shell.Outcome {
    try shell(
      proxy:
        "echo out > /dev/stdout && echo err > /dev/stderr && stat -L -c '%u %a' /proc/self/fd/1",
      command)
  }

  @Test("that are pipes of root's can be opened by the dropped user, and not by others")
  func pipe() throws {
    // A pipe for each of the two; both are read to their end.
    let outcome = try run(
      #"{ { "$ENTRYPOINT" kong docker-start 2>&3 | cat; } 3>&1 >&4 | cat >&2; } 4>&1"#)
    #expect(outcome.output == "out\n33 600\n", "\(outcome.errors)")
    #expect(outcome.errors == "err\n")
  }

  @Test("can be opened by any command with --user, and by a kong command")
  func otherCommands() throws {
    for words in ["--user www-data -- reopens", "kong reload"] {
      let outcome = try shell(
        proxy: "",
        """
        printf '#!/bin/sh\\necho "$0" > /dev/stderr && stat -L -c "%%u %%a" /dev/stderr\\n' > "$T/bin/reopens"
        chmod +x "$T/bin/reopens"; cp "$T/bin/reopens" "$T/bin/kong"
        { "$ENTRYPOINT" \(words) 2>&1 >&3 | cat >&2; } 3>&1
        """)
      #expect(outcome.output == "33 600\n", "\(words): \(outcome.errors)")
    }
  }

  @Test("that are files of root's become the user's")
  func file() throws {
    let outcome = try run(
      #""$ENTRYPOINT" kong docker-start >> "$T/log" 2>&1; stat -c '%u %a' "$T/log""#)
    #expect(outcome.output == "33 644\n", "\(outcome.errors)")
  }

  @Test("that are /dev/null stay root's")
  func null() throws {
    let outcome = try run(
      #""$ENTRYPOINT" kong docker-start > /dev/null 2>&1; stat -c '%u' /dev/null"#)
    #expect(outcome.output == "0\n")
  }

  @Test(
    "that are sockets cannot be opened by path, which causes a warning, and the start continues")
  func socket() throws {
    let outcome = try shell(
      proxy: "echo started",
      """
      export ENTRYPOINT_LOG_LEVEL=warn
      python3 - "$ENTRYPOINT" <<'PYTHON'
      import socket, subprocess, sys
      ours, its = socket.socketpair()
      errors = subprocess.run([sys.argv[1], "kong", "docker-start"], stdout=its, stderr=subprocess.PIPE).stderr
      its.close()
      print(ours.recv(100).decode(), end="")
      print([line for line in errors.decode().splitlines() if "nginx cannot" in line][0])
      PYTHON
      """)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.first == "started", "\(outcome.errors)")
    #expect(
      lines.last?.hasPrefix("entrypoint: warn: nginx cannot open /dev/stdout as www-data (33:33);")
        == true)
    #expect(lines.last?.hasSuffix("open() failed (6: No such device or address)") == true)
  }

  @Test("that are closed are no way for messages into files and pipes of entrypoint's own")
  func messages() throws {
    let outcome = try shell(
      proxy: "",
      """
      chown www-data "$T"
      # A file for each process: no line is cut in two.
      strace -ff -o "$T/trace" -e trace=write "$ENTRYPOINT" --init --log-level debug kong docker-start >&- 2>&-
      cat "$T"/trace.* | grep 'write(.*"entrypoint: ' | sed 's/.*= //' | sort -u
      """)
    #expect(outcome.output == "-1 EBADF (Bad file descriptor)\n", "\(outcome.errors)")
  }

  @Test("that are closed do not prevent a start")
  func closed() throws {
    let outcome = try shell(
      proxy: #"touch "${0%/*}/../started""#,
      """
      chown www-data "$T"
      "$ENTRYPOINT" kong docker-start >&- 2>&-
      test -e "$T/started"
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
