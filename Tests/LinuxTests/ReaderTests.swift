@testable import Capabilities
@testable import Linux
@testable import Plan
import Foundation
import Testing
import Text

@Suite("What entrypoint reads from the machine")
struct ReaderTests {
  @Test("about the process is what /proc says, in every field")
  func status() throws {
    let text = """
      Name:\tx\nUid:\t1\t2\t3\t2\nGid:\t4\t5\t6\t5\nGroups:\t9 7 \nThreads:\t1
      CapInh:\t0000000000000001\nCapPrm:\t0000000000000003\nCapEff:\t0000000000000002
      CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n
      """
    let credentials = try #require(
      ProcessStatus.parse(Array(text.utf8), securebits: [.keepCapabilities]))
    #expect(credentials.user == ProcessIDs(real: 1, effective: 2, saved: 3))
    #expect(credentials.group == ProcessIDs(real: 4, effective: 5, saved: 6))
    #expect(credentials.groups == [7, 9])
    #expect(credentials.permitted.rawValue == 3 && credentials.effective.rawValue == 2)
    #expect(credentials.inheritable.rawValue == 1 && credentials.ambient.isEmpty)
    #expect(credentials.bounding.rawValue == 0x1ff_ffff_ffff)
    #expect(credentials.noNewPrivileges && credentials.securebits == [.keepCapabilities])
  }

  @Test(
    "about the process is nothing if a field is missing or wrong",
    arguments: [
      "Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs",
    ])
  func brokenStatus(field: String) throws {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    #expect(ProcessStatus.parse(Array(status.utf8), securebits: []) != nil)
    let without = status.split(separator: "\n").filter { !$0.hasPrefix(field + ":") }
    #expect(
      ProcessStatus.parse(Array(without.joined(separator: "\n").utf8), securebits: []) == nil)
  }

  @Test("about accounts skips invalid lines, and needs no final newline")
  func accounts() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let passwd = shell.directory.appending(path: "passwd").path
    let group = shell.directory.appending(path: "group").path
    try """
    # a comment
    root:x:0:0:root:/root:/bin/sh

    broken:line
    +
    -x
    +kong:x:0:0::/:
    kong:x:1337:0:Kong,,,:/home/kong:/bin/sh
    nohome:x:5:5:::
    """.write(toFile: passwd, atomically: true, encoding: .utf8)
    try "root:x:0:\n+\n-x\n+y:x:0:\nweb:x:33:kong,other".write(
      toFile: group, atomically: true, encoding: .utf8)
    let accounts = Accounts.read(passwd: passwd, group: group)
    #expect(accounts.users.map(\.name) == ["root", "kong", "nohome"])
    #expect(accounts.users[1] == Account(name: "kong", uid: 1337, gid: 0, home: "/home/kong"))
    #expect(accounts.groups.last == AccountGroup(name: "web", gid: 33, members: ["kong", "other"]))
    #expect(Accounts.read(passwd: passwd + "-absent", group: passwd + "-absent") == Accounts())
  }

  @Test("about accounts is what glibc reads, whatever is missing or empty in a line")
  func accountsOfGlibc() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let words = [
      "", "x", "kong", "a b", " ", "a,b", ",a,, b ,", "0", "007", "1337", "4294967295",
      "\u{e4}", "#", "+", "-",
    ]
    var random = SystemRandomNumberGenerator()
    let lines = (0..<2000).map { _ in
      // glibc reads the end of a line that begins with a blank twice.
      (0..<Int.random(in: 0...8, using: &random)).map { _ in words.randomElement(using: &random)! }
        .joined(separator: ":").drop { $0 == " " }
    }
    let text = lines.joined(separator: "\n")
    let path = shell.directory.appending(path: "accounts").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let users = AccountEntries.users(in: Array(text.utf8))
    let groups = AccountEntries.groups(in: Array(text.utf8))
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var count = 0
    while let entry = fgetpwent(file)?.pointee {
      let name = String(cString: entry.pw_name)
      if name.hasPrefix("+") || name.hasPrefix("-") { continue }
      let user = Account(
        name: name, uid: entry.pw_uid, gid: entry.pw_gid,
        home: ByteString(String(cString: entry.pw_dir)))
      #expect(count < users.count && users[count] == user)
      count += 1
    }
    #expect(count == users.count && count > 0)
    rewind(file)
    count = 0
    while let entry = fgetgrent(file)?.pointee {
      let name = String(cString: entry.gr_name)
      if name.hasPrefix("+") || name.hasPrefix("-") { continue }
      var members: [String] = []
      var member = entry.gr_mem
      while let text = member?.pointee {
        members.append(String(cString: text))
        member = member?.successor()
      }
      let group = AccountGroup(name: name, gid: entry.gr_gid, members: members)
      #expect(count < groups.count && groups[count] == group, "\(group)")
      count += 1
    }
    #expect(count == groups.count && count > 0)
  }

  @Test("about accounts skips ids with a sign, or of more than 32 bits, and ends a line at a NUL")
  func oddAccounts() {
    let file = "minus:x:-2:5::/:\nplus:x:+2:5::/:\nlarge:x:4294967296:5::/:\nc:x:1:2::/h\0ome:\n"
    #expect(
      AccountEntries.users(in: Array(file.utf8)) == [Account(name: "c", uid: 1, gid: 2, home: "/h")]
    )
  }

  @Test("about accounts, if it is unreadable, ends only a start that must look somebody up")
  func unreadableAccounts() throws {
    let outcome = try shell(
      """
      cp "$ENTRYPOINT" "$T/entrypoint"
      cp /etc/passwd "$T/passwd"; chmod 600 "$T/passwd"; mount --bind "$T/passwd" /etc/passwd
      start() { setpriv --reuid 1337 --regid 0 --clear-groups "$T/entrypoint" "$@" || echo $?; }
      start id -u
      start --user 1337:0 id -u
      """)
    #expect(outcome.output == "1337\n77\n", "\(outcome.errors)")
    #expect(
      outcome.errors.contains("/etc/passwd cannot be read by uid 1337")
        && outcome.errors.contains("chmod 644 /etc/passwd"))
    #expect(Accounts.read(passwd: "/etc").failure?.status == 77)
    #expect(Accounts.read(group: "/etc").failure?.explanation?.what.contains("/etc") == true)
  }

  @Test(
    "about accounts does not block on something that is not a regular file, or is large",
    .timeLimit(.minutes(1)))
  func boundedAccounts() throws {
    let outcome = try shell(
      """
      mkfifo "$T/fifo"; truncate -s 4194305 "$T/large"
      for file in fifo large; do for name in passwd group; do
        unshare --mount sh -c 'mount --bind "$1" "/etc/$2"; shift 2; "$@"; echo $?' - \
          "$T/$file" $name "$ENTRYPOINT" --user www-data true
      done; done
      """)
    #expect(outcome.output == "77\n77\n77\n77\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("/etc/passwd cannot be read by uid 0"))
    #expect(outcome.errors.contains("why: it is not a regular file"))
    #expect(outcome.errors.contains("why: it has more than 4194304 bytes"))
  }

  @Test("about accounts includes a line as long as the file may be")
  func longestGroup() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let group = shell.directory.appending(path: "group").path
    let beginning = "many:x:7:"
    let members = (Accounts.limit - beginning.utf8.count) / 2
    try (beginning + String(repeating: "a,", count: members)).write(
      toFile: group, atomically: true, encoding: .utf8)
    let accounts = Accounts.read(passwd: group + "-absent", group: group)
    #expect(accounts.failure == nil)
    #expect(accounts.groups.map(\.members.count) == [members])
  }

  @Test("about accounts that others could have written counts for root by number only")
  func writableAccounts() throws {
    let outcome = try shell(
      """
      cp /etc/group "$T/group"; chown 0:0 "$T/group"; mount --bind "$T/group" /etc/group
      start() { "$@" || echo $?; }
      for mode in 644 664; do
        chmod $mode "$T/group"
        start "$ENTRYPOINT" --user www-data id -u
        start "$ENTRYPOINT" --user 33:33 id -u
        cp "$ENTRYPOINT" "$T/entrypoint"
        start setpriv --reuid 33 --regid 33 --groups 33 "$T/entrypoint" --user www-data:www-data id -u
      done
      """)
    #expect(outcome.output == "33\n33\n33\n78\n33\n33\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("users other than root could write /etc/group"))
    #expect(outcome.errors.contains("/etc/group has uid 0, gid 0, mode 0664"))
  }

  @Test("about Kong's options, if it is unavailable, ends only a start with secrets")
  func defaults() throws {
    let outcome = try shell(
      """
      cp /bin/true "$T/kong"; echo s3cret > "$T/secret"
      export PATH="$T:$PATH" ENTRYPOINT_KONG_DEFAULTS="$T/defaults"
      start() { "$ENTRYPOINT" --user www-data kong health && echo 0 || echo $?; }
      kong_has() { printf 'return [[\\npg_password = NONE\\n%s]]\\n' "$1" > "$T/defaults"; }
      for setting in KONG_PG_PASSWORD_FILE= KONG_PG_PASSWORD_FILE="$T/secret"; do
        export "$setting"
        kong_has ''; start
        chmod 0600 "$T/defaults"; start; chmod 0644 "$T/defaults"
        kong_has "$(head -c 1048576 /dev/zero | tr '\\0' '#')"; start
      done
      """)
    #expect(outcome.output == "0\n0\n0\n0\n78\n78\n", "\(outcome.errors)")
    let reasons = outcome.errors.split(separator: "\n").filter { $0.contains("why: ") }
    let expected = ["Permission denied", "it is too large"]
    #expect(reasons == expected.map { "entrypoint: error:   why: \($0)" })
  }

  @Test("about the sysctl is this network namespace's value")
  func portRange() throws {
    let outcome = try shell(
      """
      export KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T:$PATH"
      cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"
      plan() { "$ENTRYPOINT" --dry-run --format json --user www-data --proxy "$T/nginx" kong docker-start; }
      plan | jq -c '[.listeners[].needs[]]'
      echo 80 > /proc/sys/net/ipv4/ip_unprivileged_port_start
      plan | jq -c '[.listeners[].needs[]]'
      """)
    #expect(outcome.output == "[\"cap_net_bind_service\"]\n[]\n", "\(outcome.errors)")
  }

  @Test("about capability names is libcap's, for every capability of the kernel")
  func names() throws {
    let names = CapabilityNames.ofRunningKernel()
    let last = try String(contentsOfFile: "/proc/sys/kernel/cap_last_cap", encoding: .utf8)
    #expect(
      String(names.all.members.count - 1) == last.trimmingCharacters(in: .whitespacesAndNewlines))
    #expect(names.name(of: .netBindService) == "cap_net_bind_service")
    #expect(names.name(of: .setfcap) == "cap_setfcap")
    #expect(names.capability(named: "NET_RAW") == .netRaw)
  }
}
