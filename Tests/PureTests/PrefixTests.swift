import Kong
import Text
import Testing

@Suite("KONG_PREFIX")
struct PrefixTests {
  @Test(
    "may be a directory of Kong's own, in the usual places",
    arguments: [
      "/usr/local/kong", "/opt/kong", "/var/lib/kong", "/var/lib/aptly", "/home/kong", "/run/kong",
      "/tmp/kong", "/srv/kong", "/dev/shm/kong", "/kong", "/data/kong/1", "/usr/local/kong/a b",
      "/var/run/kong", "/var/tmp/x", "/binary", "/etcetera", "/usr/local/binaries", "/mnt/volume",
      "/kong/...", "/kong/.hidden", "/rootless", "/opt/kong/bin", "/data/usr/bin",
    ])
  func allowed(path: String) throws {
    let prefix = try Prefix(ByteString(path))
    #expect(prefix.path == ByteString(path))
    let names = prefix.components.map { "/\($0)" }
    #expect(names.joined() == path)
  }

  @Test("cannot be a reference to a vault: it must be known before Kong can ask one")
  func reference() throws {
    let failure = try #require(throws: StartFailure.self) { try Prefix("{vault://env/prefix}") }
    #expect(failure.status == 78)
    #expect(failure.explanation?.why.hasPrefix("it is a reference to a vault") == true)
  }

  @Test(
    "cannot be a directory of the system",
    arguments: [
      "/", "/bin", "/boot", "/boot/kong", "/dev", "/dev/kong", "/dev/shm", "/etc", "/etc/kong",
      "/home", "/lib", "/lib64", "/lib/x86_64-linux-gnu", "/media", "/mnt", "/opt", "/proc",
      "/proc/self/cwd", "/proc/1/root/srv/kong", "/root", "/root/.ssh", "/run", "/run/secrets",
      "/run/secrets/kong", "/sbin", "/srv", "/sys", "/sys/fs/cgroup", "/tmp", "/usr", "/usr/bin",
      "/usr/share/kong", "/usr/local", "/usr/local/bin", "/usr/local/lib/lua",
      "/usr/local/openresty", "/usr/local/openresty/nginx/sbin", "/usr/local/share/lua/5.1", "/var",
      "/var/lib", "/var/lib/dpkg", "/var/lib/dpkg/info", "/var/log", "/var/run", "/var/tmp",
    ])
  func system(path: String) {
    #expect(failure(path)?.explanation?.why.contains("belongs to the system") == true)
  }

  @Test(
    "with //, /./ or /../ is rejected, with the right form if there is one",
    arguments: [
      ("/usr/local/kong/", "/usr/local/kong"), ("//srv/kong", "/srv/kong"),
      ("/srv//kong", "/srv/kong"), ("/srv/./kong", "/srv/kong"), ("/srv/kong/.", "/srv/kong"),
      ("/srv/kong/..", nil), ("/srv/../etc", nil), ("/..", nil), ("//", nil), ("/.", nil),
      ("kong", nil), ("./kong", nil), ("~/kong", nil), ("", nil),
    ] as [(String, String?)])
  func unclear(path: String, plain: String?) {
    let explanation = failure(path)?.explanation
    let ways = explanation?.waysOut ?? []
    if path.first == "/" { #expect(explanation?.why.contains("without //, /./ or /../") == true) }
    if let plain {
      #expect(ways == ["KONG_PREFIX=\(plain)"])
    } else {
      #expect(ways.contains { $0.contains("/srv/kong") })
    }
  }

  @Test(
    "is rejected if the kernel does not accept the path, or nginx could not open nginx.conf in it")
  func length() throws {
    let name = "/" + String(repeating: "k", count: 255)
    let most = String(repeating: name, count: 15)
    for (path, isAllowed) in [
      (name, true), (name + "k", false), (most + "/" + String(repeating: "k", count: 243), true),
      (most + "/" + String(repeating: "k", count: 244), false), (most + most, false),
    ] {
      guard !isAllowed else {
        #expect(try Prefix(ByteString(path)).path == ByteString(path))
        continue
      }
      let explanation = try #require(failure(path)?.explanation)
      #expect(explanation.why.hasPrefix("the kernel accepts paths of up to 4095 bytes"))
      #expect(explanation.what.contains("... (\(path.utf8.count) bytes) cannot be"))
    }
  }

  @Test("cannot contain a program that runs with more rights than Kong's user")
  func programs() throws {
    let nginx: ByteString = "/opt/kong/sbin/nginx"
    #expect(failure("/opt/kong", outside: [nginx]) != nil)
    #expect(failure("/opt/kong/sbin", outside: ["/usr/bin/kong", nginx]) != nil)
    #expect(failure("/opt/kong/sb", outside: [nginx]) == nil)
    #expect(try Prefix("/opt/kong").contains("/opt/kong/logs"))
    #expect(try !Prefix("/opt/kong").contains("/opt/kong"))
    #expect(try !Prefix("/opt/kong").contains("/opt/kongress/logs"))
  }

  @Test("never leads above or into the system, whatever it is made of")
  func random() {
    var random = SeededGenerator(state: 11)
    let words = ["etc", "usr", "local", "..", ".", "", "kong", "dev", "shm", "bin", "lib", "proc"]
    for _ in rounds(20_000) {
      let names = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        words[Int.random(in: 0..<words.count, using: &random)]
      }
      guard let prefix = try? Prefix(ByteString("/" + names.joined(separator: "/"))) else {
        continue
      }
      #expect(!names.contains { ["..", ".", ""].contains($0) })
      #expect(!["etc", "bin", "lib", "proc"].contains(names[0]), "\(prefix.path)")
      #expect(names[0] != "usr" || names.count > 2 && names[1] == "local", "\(prefix.path)")
      #expect(names[0] != "dev" || names.count > 2 && names[1] == "shm", "\(prefix.path)")
    }
  }

  private func failure(_ path: String, outside programs: [ByteString] = []) -> StartFailure? {
    do throws(StartFailure) {
      _ = try Prefix(ByteString(path), outside: programs)
      return nil
    } catch {
      #expect(error.status == ExitStatus.configuration)
      return error
    }
  }
}
