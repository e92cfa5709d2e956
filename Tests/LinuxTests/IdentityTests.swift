import Testing

@Suite("The user of a process")
struct IdentityTests {
  @Test("must be one: a uid of root behind another ends start and dry run with 77")
  func halfRoot() throws {
    let outcome = try shell(
      """
      cp "$ENTRYPOINT" "$T/entrypoint"
      status() { "$@" >"$T/out" 2>&1 && echo 0 || echo $?; grep -o 'partly root: .*' "$T/out" || true; }
      for dry in '' --dry-run; do
        status setpriv --euid 33 --clear-groups "$T/entrypoint" $dry -- id -u
        status setpriv --ruid 33 "$T/entrypoint" $dry --user www-data -- id -u
        status setpriv --reuid 33 --rgid 33 --egid 0 --clear-groups "$T/entrypoint" $dry -- id -u
      done
      status setpriv --euid 33 --clear-groups "$T/entrypoint" --dry-run --format docker -- id -u
      status setpriv --euid 33 --clear-groups "$T/entrypoint" --dry-run --format kubernetes -- id -u
      """)
    let first = "77\npartly root: its uid (real/effective/saved) is 0/33/33\n"
    let one =
      first + """
        77
        partly root: its uid (real/effective/saved) is 33/0/0
        77
        partly root: its gid (real/effective/saved) is 33/0/0

        """
    #expect(outcome.output == one + one + first + first, "\(outcome.errors)")
  }

  @Test(
    "cannot become a uid or gid that the user namespace does not map: start and dry run say so",
    arguments: [
      ("4242:0", "uid 4242"), ("33:4242", "gid 4242"),
    ])
  func unmapped(user: String, id: String) throws {
    let outcome = try shell(
      """
      cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"; chmod 755 "$T"
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix"
      # With the ids 0 to 999, as the first process that they are given to has it.
      inside() {
        unshare --user bash -c 'until [[ $(id -u) == 0 ]]; do sleep 0.01; done; exec "$@"' - "$@" &
        until echo '0 0 1000' >/proc/$!/uid_map && echo '0 0 1000' >/proc/$!/gid_map; do sleep 0.01; done 2>/dev/null
        wait $!
      }
      for dry in '' --dry-run; do
        for command in true 'kong docker-start' 'kong health'; do
          inside "$ENTRYPOINT" $dry --user \(user) --proxy "$T/nginx" -- $command >"$T/out" 2>"$T/err" && echo 0 || echo $?
          grep -o 'why: .* in this container.s user namespace' "$T/out" "$T/err" -h || cat "$T/out" "$T/err"
        done
      done
      inside "$ENTRYPOINT" --user 33:34 id -u
      """)
    let one = "77\nwhy: the \(id) does not exist in this container's user namespace\n"
    #expect(
      outcome.output == String(repeating: one, count: 6) + "33\n", "\(outcome.errors)")
  }
}
