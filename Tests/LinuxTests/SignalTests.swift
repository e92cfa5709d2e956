import Testing

@Suite("Signals that the caller ignores or blocks")
struct SignalTests {
  private static let inherited =
    "env --block-signal=TERM,INT,QUIT,HUP,CHLD,USR1 --ignore-signal=TERM,INT,QUIT,CHLD"
  /// Prints the blocked and the ignored signals, without 32 and 33, which are glibc's own.
  private static let show =
    #"while read -r k v; do case $k in Sig[BI]*) printf "%s %08x\n" $k $((0x$v & 0x7fffffff));; esac; done </proc/self/status"#

  @Test("have their default action in the command, and are not blocked")
  func command() throws {
    let outcome = try shell(
      #"\#(SignalTests.inherited) "$ENTRYPOINT" sh -c '\#(SignalTests.show)'"#)
    #expect(outcome.output == "SigBlk: 00000000\nSigIgn: 00000000\n", "\(outcome.errors)")
  }

  @Test("have it in kong prepare and in nginx, too; the status of kong prepare is known")
  func kong() throws {
    let outcome = try shell(
      #"""
      printf '#!/bin/sh\n%s\nexit $STATUS\n' '\#(SignalTests.show)' > "$T/kong"
      chmod +x "$T/kong"; cp "$T/kong" "$T/nginx"
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_LOG_LINKS=off
      start() {
        STATUS=$1 \#(SignalTests.inherited) "$ENTRYPOINT" --user www-data --proxy "$T/nginx" kong docker-start
      }
      start 0
      start 9 || echo $?
      """#)
    // Bits 20 and 21: a child in the background does not stop at the terminal.
    let prepare = "SigBlk: 00000000\nSigIgn: 00300000\n"
    let nginx = "SigBlk: 00000000\nSigIgn: 00000000\n"
    #expect(outcome.output == prepare + nginx + prepare + "9\n", "\(outcome.errors)")
  }

  @Test("stay ignored only in the case of HUP: that is what nohup is for")
  func nohup() throws {
    let outcome = try shell(
      #"nohup "$ENTRYPOINT" sh -c '\#(SignalTests.show)' 2>/dev/null"#)
    #expect(outcome.output == "SigBlk: 00000000\nSigIgn: 00000001\n", "\(outcome.errors)")
  }

  @Test(
    "cannot delay a start if the kernel refuses its signal calls: it says so, and ends with 77")
  func refused() throws {
    let outcome = try shell(
      """
      cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix"
      start() {
        local call=$1 at=$2 status=0
        timeout --signal KILL 20 strace -f -o /dev/null -e trace="$call" -e inject="$call:error=EPERM:when=$at" \\
          "$ENTRYPOINT" --user www-data --proxy "$T/nginx" kong docker-start 2>"$T/log" || status=$?
        echo "$call $at $status $(grep -c "error: .*$call.* failed" "$T/log")"
      }
      for at in 1 2 3 4 5; do start rt_sigprocmask $at; done
      start rt_sigaction 1
      start rt_sigtimedwait 1+
      """)
    // The fourth is glibc's own in one version, and unblocks the child's signals in another.
    var found = outcome.output
    for text in ["77 1", "0 0"] { found.replace("rt_sigprocmask 4 \(text)\n", with: "") }
    #expect(
      found == """
        rt_sigprocmask 1 77 1
        rt_sigprocmask 2 77 1
        rt_sigprocmask 3 77 1
        rt_sigprocmask 5 0 0
        rt_sigaction 1 77 1
        rt_sigtimedwait 1+ 77 1

        """, "\(outcome.errors)")
  }
}
