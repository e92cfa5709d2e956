import Testing

@Suite("A start whose file capabilities the kernel refuses")
struct RefusedWriteTests {
  /// A stand-in for Kong's start, with nginx on a separate file system, in m.
  ///
  /// `kong` and nginx are the kernel lab's probe, which prints its credentials.
  private let stage = """
    cd "$T"; mkdir bin m prefix; export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix"
    export ENTRYPOINT_PROXY="$T/m/nginx" ENTRYPOINT_USER=www-data KONG_PROXY_LISTEN=0.0.0.0:80
    cc -static -o probe "$PROBE"; cp probe bin/kong
    # Inodes of 128 bytes have no room for an attribute, which needs a block of its own.
    truncate -s 2M disk; mkfs.ext4 -q -m 0 -b 1024 -I 128 disk >log 2>&1; mount -o loop disk m
    cp probe m/nginx; echo 'http { server { listen 80; } }' >prefix/nginx.conf
    start() { "$ENTRYPOINT" kong docker-start >out 2>err && status=0 || status=$?; }
    show() { echo "$status"; grep '^nginx' out | grep -o -e 'uid=[0-9/]*' -e 'permitted=.*ambient=[0-9a-f]*'
      grep -o 'cannot be [^"]*' err || true; }

    """

  private func run(_ script: String) throws -> Shell.Outcome {
    let probe = Shell.package.appending(path: "Tests/kernel/probe/probe.c").path
    return try shell("PROBE='\(probe)'\n" + stage + script)
  }

  private let granted = """
    0
    uid=33/33/33
    permitted=0000000000000400 effective=0000000000000400 inheritable=0000000000000400 ambient=0000000000000400

    """

  @Test("because the disk is full continues with ambient capabilities, and says why")
  func full() throws {
    let outcome = try run(
      """
      dd if=/dev/zero of=m/rest bs=1024 2>>log || true
      start; show
      """)
    #expect(outcome.output.hasPrefix(granted), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.hasSuffix("(No space left on device); planning again without it\n"),
      "\(outcome.output)\(outcome.errors)")
  }

  @Test("because the file is immutable continues likewise, and in mode file ends with 77")
  func immutable() throws {
    let outcome = try run(
      """
      chattr +i m/nginx
      start; show
      export ENTRYPOINT_CAP_MODE=file
      start; echo "$status"; grep -c '^nginx' out || true
      grep -e 'way out: leave out ENTRYPOINT_CAP_MODE=file' -e 'Operation not permitted' err | wc -l
      chattr -i m/nginx
      start; show
      """)
    #expect(outcome.output.hasPrefix(granted), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.contains("\n77\n0\n3\n0\nuid=33/33/33\n"),
      "\(outcome.output)\(outcome.errors)")
  }

  @Test("because the file is immutable uses what it carries, if exactly that is needed")
  func carried() throws {
    let outcome = try run(
      """
      setcap cap_net_bind_service=ep m/nginx; chattr +i m/nginx
      start; show
      chattr -i m/nginx; setcap cap_net_raw=ep m/nginx; chattr +i m/nginx
      start; echo "$status"; grep -c '^nginx' out || true; grep -o 'way out: .*setcap.*' err
      chattr -i m/nginx
      """)
    let expected = """
      0
      uid=33/33/33
      permitted=0000000000000400 effective=0000000000000400 inheritable=0000000000000000 ambient=0000000000000000

      """
    #expect(outcome.output.hasPrefix(expected), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("\n77\n0\nway out: "), "\(outcome.output)\(outcome.errors)")
  }
}
