@testable import Kong
@testable import Linux
@testable import Text
import Foundation
import Testing

/// Each script works in $T, with the walk as `give PREFIX`, which prints the numbers of the report
/// and each exception.
@Suite("Making the user the owner of the prefix")
struct PrefixOwnershipTests {
  private static let tools = """
    cd "$T"
    give() { "\(Shell.package.path)/.build/debug/give-prefix" "$@" 1337 0; }
    owners() { find "$@" -printf '%U:%G %p\\n' | sort -k 2; }

    """

  private func walk(_ script: String) throws -> Shell.Outcome {
    try shell(PrefixOwnershipTests.tools + script)
  }

  @Test("gives all of it to the user and group 0, and writes nothing the second time")
  func all() throws {
    let outcome = try walk(
      """
      mkdir -p p/a/b p/c; touch p/a/b/f p/c/g; mkfifo p/fifo; ln -s nowhere p/link
      python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("p/socket")'
      chown 1337:1337 p/c/g; chown 5:0 p/c
      give "$T/p"; owners p | grep -vc 1337:0 || true
      find p -printf '%p %C@ %A@\\n' | sort > before; give "$T/p"
      find p -printf '%p %C@ %A@\\n' | sort | diff before -
      """)
    #expect(
      outcome.output == """
        examined 9 changed 9 left 0 refused 0
        0
        examined 9 changed 0 left 0 refused 0

        """, "\(outcome.errors)")
  }

  @Test("follows no link inside, to a file or to a directory")
  func links() throws {
    let outcome = try walk(
      """
      mkdir -p out/d p/sub; echo secret > out/passwd; touch out/d/f
      ln -s "$T/out/passwd" p/passwd; ln -s ../../out p/sub/out; ln -s "$T/out/d" p/d; ln -s / p/root
      owners out > before; give "$T/p"; owners out | diff before -; cat out/passwd
      owners p | grep -c 1337:0
      """)
    #expect(
      outcome.output == "examined 6 changed 6 left 0 refused 0\nsecret\n6\n", "\(outcome.errors)")
  }

  @Test("skips a file of root's with a second name, and a device, and reports it")
  func exceptions() throws {
    let outcome = try walk(
      """
      mkdir p; echo root:hash > shadow; chmod 600 shadow; ln shadow p/shadow
      touch p/own; chown 1337:5 p/own; ln p/own p/own2
      mknod p/null c 1 3; mknod p/loop b 7 0
      give "$T/p" | sed "s|$T||"; stat -c '%u %g %a' shadow; owners p | grep -c 1337:0
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "examined 6 changed 2 left 3 refused 0", "\(outcome.errors)")
    #expect(
      lines.dropFirst().sorted() == [
        "/p/loop: a device", "/p/null: a device",
        "/p/shadow: another owner's file with a second name, perhaps outside the prefix",
        "0 0 600", "3",
      ])
  }

  @Test(
    "skips what others own in a prefix that already belongs to the user, whatever was moved there")
  func foreign() throws {
    let outcome = try walk(
      """
      mkdir p etc shared; install -m 600 /dev/null etc/key; mkdir -m 1777 shared/moved
      install -m 600 /dev/null shared/moved/key; mkdir p/sub; touch p/group
      chown -R 1337:0 p; chown 1337:1337 p/group; chown 1337 etc shared
      as_user() { setpriv --reuid 1337 --clear-groups "$@"; }
      as_user mv etc/key p/sub/.kong_env; as_user mv shared/moved p/moved
      give "$T/p" | sed "s|$T||" | sort; owners p
      """)
    #expect(
      outcome.output == """
        /p/moved: of uid 0, and the user could have moved it there
        /p/sub/.kong_env: of uid 0, and the user could have moved it there
        examined 5 changed 1 left 2 refused 0
        1337:0 p
        1337:0 p/group
        0:0 p/moved
        0:0 p/moved/key
        1337:0 p/sub
        0:0 p/sub/.kong_env

        """, "\(outcome.errors)")
  }

  @Test("includes mounts in a prefix that already belongs to the user, with everything in them")
  func mountsInOwnPrefix() throws {
    let outcome = try walk(
      """
      mkdir -p p/logs p/bind bind/d; touch p/file file bind/d/f; chown -R 1337:0 p
      mount -t tmpfs none p/logs; touch p/logs/log
      mount --bind bind p/bind; mount --bind file p/file
      give "$T/p"; owners p | grep -vc 1337:0 || true
      """)
    #expect(
      outcome.output == "examined 7 changed 6 left 0 refused 0\n0\n", "\(outcome.errors)")
  }

  @Test(
    "changes nothing in a directory of root's that the user can have put in place of the prefix")
  func exchangedPrefix() throws {
    let outcome = try walk(
      """
      mkdir -p home/p shared; mkdir -m 1777 shared/open; install -m 600 /dev/null shared/open/key
      chown -R 1337:0 home; chown 1337 shared
      setpriv --reuid 1337 --clear-groups mv home/p home/old
      setpriv --reuid 1337 --clear-groups mv shared/open home/p
      give "$T/home/p" | sed "s|$T||"; owners home/p
      mount --bind home/p home/p; chown 0 home/p; give "$T/home/p"
      """)
    #expect(
      outcome.output == """
        examined 2 changed 1 left 1 refused 0
        /home/p/key: of uid 0, and the user could have moved it there
        1337:0 home/p
        0:0 home/p/key
        examined 2 changed 2 left 0 refused 0

        """, "\(outcome.errors)")
  }

  @Test("removes set-user-ID bits and file capabilities")
  func privileges() throws {
    let outcome = try walk(
      """
      mkdir p; cp /bin/true p/suid; cp /bin/true p/capable; chmod 6755 p/suid
      setcap cap_net_raw=ep p/capable
      give "$T/p"; stat -c %a p/suid; getcap p/capable
      """)
    #expect(outcome.output == "examined 3 changed 3 left 0 refused 0\n755\n", "\(outcome.errors)")
  }

  @Test("continues into mounts inside, and skips a read-only one")
  func mounts() throws {
    let outcome = try walk(
      """
      mkdir -p p/logs p/ro p/bind out; touch out/f file p/file
      mount -t tmpfs -o nosuid,nodev none p/logs; touch p/logs/log
      mount -t tmpfs none p/ro; touch p/ro/f; mkdir p/ro/logs; mount -o remount,ro p/ro
      mount -t tmpfs none p/ro/logs; touch p/ro/logs/log
      mount --bind out p/bind; mount --bind file p/file
      give "$T/p" | sed "s|$T||"; owners p | grep -v 1337:0; owners file out | grep -vc 1337:0 || true
      """)
    #expect(
      outcome.output == """
        examined 10 changed 8 left 2 refused 0
        /p/ro/f: on a read-only mount
        /p/ro: on a read-only mount
        0:0 p/ro
        0:0 p/ro/f
        0

        """, "\(outcome.errors)")
  }

  @Test("needs no write if everything is right: on a read-only mount, and without capabilities")
  func needless() throws {
    let outcome = try walk(
      """
      mkdir p; mount -t tmpfs -o mode=755 none p; touch p/f p/g; chown -R 1337:0 p
      mount -o remount,ro p
      give "$T/p"; chmod 755 "$T"
      capsh --drop=all -- -c "'\(Shell.package.path)/.build/debug/give-prefix' $T/p 1337 0"
      """)
    let line = "examined 3 changed 0 left 0 refused 0\n"
    #expect(outcome.output == line + line, "\(outcome.errors)")
  }

  @Test("names ways to another prefix if a read-only mount allows neither writing nor making it")
  func readOnly() throws {
    let outcome = try shell(
      """
      mkdir "$T/ro" "$T/bin"; mount -t tmpfs none "$T/ro"
      mkdir "$T/ro/p"; mount -o remount,ro "$T/ro"
      printf '#!/bin/sh\\nexit 9\\n' > "$T/bin/kong"; chmod +x "$T/bin/kong"
      cp /bin/true "$T/bin/nginx"
      export PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
      for name in p new; do
        export KONG_PREFIX="$T/ro/$name"
        "$ENTRYPOINT" kong docker-start 2>&1 | sed -n "s|$T||g; 1p; /tmpfs/p"; echo "${PIPESTATUS[0]}"
        "$ENTRYPOINT" --dry-run kong docker-start > "$T/plan" || echo "$?"
      done
      """)
    let wayOut = "  way out: docker run --env KONG_PREFIX=/kong_prefix --tmpfs /kong_prefix"
    #expect(
      outcome.output.split(separator: "\n") == [
        "entrypoint: error: www-data (33:33) cannot write /ro/p, but kong prepare has to",
        "entrypoint: error: \(wayOut)", "77", "77",
        "entrypoint: error: www-data (33:33) cannot make /ro/new in /ro",
        "entrypoint: error: \(wayOut)", "77", "77",
      ], "\(outcome.errors)")
  }

  @Test("reports what the kernel refuses, and continues with the rest")
  func refused() throws {
    let outcome = try walk(
      """
      mkdir p; touch p/{1..30}; chown 1337:0 p/{1..5}
      without() { local drop=$1; shift
        capsh --drop=$drop -- -c "'\(Shell.package.path)/.build/debug/give-prefix' $T/p 1337 0"; }
      without cap_chown | head -n 2 | sed "s|$T/p/[0-9]*|F|"
      mkdir p/closed; touch p/closed/f; chown -R 1337:0 p; chmod 700 p/closed
      without cap_dac_override,cap_dac_read_search,cap_fowner | sed "s|$T||"
      chown 5:0 p; chmod 700 p
      without cap_dac_override,cap_dac_read_search,cap_fowner | sed "s|$T||"
      """)
    #expect(
      outcome.output == """
        examined 31 changed 0 left 0 refused 26
        F: chown was refused (Operation not permitted)
        examined 32 changed 0 left 0 refused 0
        examined 1 changed 1 left 1 refused 0
        /p: a directory that cannot be read (Permission denied)

        """, "\(outcome.errors)")
  }

  @Test("accepts names of any bytes, and prints them in one line")
  func names() throws {
    let outcome = try walk(
      #"""
      mkdir -p p/$'a\nb'; touch p/$'a\nb'/$'\xff\x01' p/' ' p/-rf p/"$(printf 'x%.0s' {1..255})"
      echo x > out; ln out p/$'forged\nentrypoint: error'
      give "$T/p" | sed "s|$T||"; owners p | grep -ac 1337:0
      """#)
    #expect(
      outcome.output == """
        examined 7 changed 6 left 1 refused 0
        /p/forged\\x0aentrypoint: error: another owner's file with a second name, perhaps outside the prefix
        6

        """, "\(outcome.errors)")
  }

  @Test("needs few descriptors and little memory for directories nested 5,000 deep")
  func depth() throws {
    let outcome = try walk(
      """
      mkdir p; python3 -c '
      import os
      os.chdir("p")
      for i in range(5000): os.mkdir("d"); os.chdir("d")'
      mkdir p/z; touch p/z/f
      ulimit -n 160; ulimit -v 8000000
      give "$T/p"; owners p/z
      python3 -c '
      import os
      os.chdir("p")
      for i in range(5000): os.chdir("d")
      for i in range(5000): os.chdir(".."); os.rmdir("d")'
      """)
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count == 4, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0] == "examined 131 changed 130 left 1 refused 0")
    #expect(lines[1].hasSuffix(": in too many nested directories"))
    #expect(lines[2...] == ["1337:0 p/z", "1337:0 p/z/f"])
  }

  @Test("makes a missing prefix; missing directories above it stay root's")
  func missing() throws {
    let outcome = try walk(
      """
      mkdir a; give "$T/a/b/c"; owners a; give "$T/a/b/c"
      """)
    #expect(
      outcome.output == """
        examined 1 changed 1 left 0 refused 0
        0:0 a
        0:0 a/b
        1337:0 a/b/c
        examined 1 changed 0 left 0 refused 0

        """, "\(outcome.errors)")
  }

  @Test("follows no link on the way to the prefix, and reports the link and its target")
  func wayThere() throws {
    let outcome = try walk(
      """
      mkdir -p real/p; touch real/p/f; ln -s real link; ln -s real/p p; touch file
      for path in "$T/link/p" "$T/p" "$T/file" "$T/file/p"; do
        status=0; give "$path" | sed "s|$T||g" || true; echo "${PIPESTATUS[0]}"
      done
      owners real | grep -c 1337 || true
      """)
    #expect(
      outcome.output == """
        /link/p cannot be given to Kong's user: /link is a link to real, and root follows no links: they could lead anywhere
        78
        /p cannot be given to Kong's user: /p is a link to real/p, and root follows no links: they could lead anywhere
        78
        /file cannot be given to Kong's user: /file is not a directory
        78
        /file/p cannot be given to Kong's user: /file is not a directory
        78
        0

        """, "\(outcome.errors)")
  }

  @Test("changes nothing outside while somebody exchanges directories and files for links")
  func race() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(
      """
      cd "$T"; mkdir -p outside/d p/d; touch outside/d/{1..3} outside/{f,g} p/d/{1..3} p/f
      ln -s "$T/outside/d" p/x; ln -s "$T/outside/g" p/y; ln outside/f p/z
      """)
    try #require(made.status == 0, "\(made.errors)")
    let racer = try Companion(
      in: shell.directory.appending(path: "p"),
      """
      ready()
      while running(): exchange("d", "x"); exchange("f", "y"); exchange("f", "z")
      print(rounds > 1000)
      """)
    let prefix = try Prefix(ByteString(shell.directory.path + "/p"))
    var changed = 0
    for round in 0..<20_000 {
      // Back and forth between two users, so that there is always something to change. Also from a
      // directory of root's, which another start may give away at any moment.
      let uid: UInt32 = round % 2 == 0 ? 1337 : 1338
      if round % 4 < 2 { try #require(chown(prefix.path.description, 0, 0) == 0) }
      changed += try PrefixOwnership.give(prefix, to: uid, gid: 0).changed
    }
    #expect(try racer.finish() == "True\n")
    #expect(changed > 20_000)
    let found = try shell.run(#"find "$T/outside" ! -user root -o ! -group root"#).output
    #expect(found.isEmpty, "\(found)")
  }

  @Test("changes nothing outside while somebody exchanges the prefix itself for a link")
  func raceAbove() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(
      #"cd "$T"; mkdir -p outside/p up/p; touch outside/p/f up/p/f; ln -s outside link"#)
    try #require(made.status == 0, "\(made.errors)")
    let racer = try Companion(
      in: shell.directory, "ready()\nwhile running(): exchange('up', 'link')")
    let prefix = try Prefix(ByteString(shell.directory.path + "/up/p"))
    var (given, refused) = (0, 0)
    for round in 0..<20_000 {
      do {
        given += try PrefixOwnership.give(prefix, to: round % 2 == 0 ? 1337 : 1338, gid: 0).changed
      } catch {
        refused += 1
      }
    }
    try racer.finish()
    #expect(given > 100 && refused > 100)
    let found = try shell.run(#"find "$T/outside" ! -user root"#).output
    #expect(found.isEmpty, "\(found)")
  }
}
