import Testing

@Suite("At its beginning, entrypoint")
struct BeginningTests {
  @Test("ignores the variables that glibc or the Swift runtime would read")
  func variables() throws {
    let outcome = try shell(
      #"""
      # Without the signals that strace sends: lines that begin with "---".
      calls() { strace "$@" -o "$T/trace" "$ENTRYPOINT" --version >/dev/null; sed -n '/^[a-z]/s/(.*//p' "$T/trace" >"$T/calls"; }
      calls; mv "$T/calls" "$T/expected"
      for variable in LD_LIBRARY_PATH="$(yes /a: | head -n 20000 | tr -d '\n')" \
        GLIBC_TUNABLES=glibc.malloc.mmap_threshold=1 GLIBC_TUNABLES=glibc.malloc.top_pad=1 \
        LD_PRELOAD=/x.so LD_BIND_NOW=1 SWIFT_DEBUG_LIB_PRESPECIALIZED_PATH=/x.so \
        SWIFT_BACKTRACE=enable=yes,swift-backtrace=/bin/true MALLOC_ARENA_MAX=1 LANG=de_DE.UTF-8; do
        calls -E "$variable"
        cmp "$T/expected" "$T/calls" || echo "${variable:0:30}"
      done
      wc -l <"$T/expected"
      """#)
    #expect(Int(outcome.output.dropLast()) ?? 0 > 10, "\(outcome.output)\(outcome.errors)")
  }

  @Test(
    "names the call that is refused to it, and does without getrandom",
    arguments: [
      ("getrandom", "Plan for `kong docker-start`\n"),
      ("mprotect", "entrypoint: error: mprotect failed\n"),
      ("rt_sigaction", "entrypoint: error: rt_sigaction failed\n"),
    ])
  func refused(call: String, shown: String) throws {
    for reason in ["ENOSYS", "EPERM", "EACCES"] {
      let outcome = try shell(
        """
        strace -o /dev/null -e trace=\(call) -e inject=\(call):error=\(reason) \
          -E SET_CAP_NET_RAW=1 "$ENTRYPOINT" --dry-run kong docker-start 2>&1 | head -n 1
        """)
      #expect(outcome.output == shown, "\(reason): \(outcome.errors)")
    }
  }

  @Test("finds its arguments and its environment, however many there are")
  func stack() throws {
    let outcome = try shell(
      #"""
      for count in 0 1 2 3 4 5 100; do
        words=($(seq -f 'V%.0f=x' "$count"))
        for variables in 0 1 2 3; do
          env -i "${words[@]:0:variables}" "$ENTRYPOINT" printf '[%s]' "${words[@]}"
          env -i "${words[@]:0:variables}" KONG_NGINX_DAEMON=off "$ENTRYPOINT" env | wc -l
        done
      done >"$T/found"
      for count in 0 1 2 3 4 5 100; do
        words=($(seq -f 'V%.0f=x' "$count"))
        for variables in 0 1 2 3; do
          printf '[%s]' "${words[@]}"
          echo $((1 + (count < variables ? count : variables)))
        done
      done >"$T/expected"
      cmp "$T/expected" "$T/found" && wc -l <"$T/found"
      """#)
    #expect(outcome.output == "28\n", "\(outcome.errors)")
  }
}
