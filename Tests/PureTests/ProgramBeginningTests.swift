import Plan
import Text
import Testing

@Suite("The beginning of a program")
struct ProgramBeginningTests {
  @Test(
    "is a script's first line, as far as the kernel reads it",
    arguments: [
      ("#!/bin/sh\nexit\n", "/bin/sh", nil), ("#! /usr/bin/env  resty \n", "/usr/bin/env", "resty"),
      ("#!/bin/sh -e -u", "/bin/sh", "-e -u"), ("#!/bin/sh\r\n", "/bin/sh\r", nil),
      ("#!\n", "", nil), ("#!" + String(repeating: "x", count: 300), nil, nil),
    ] as [(String, String?, String?)])
  func script(text: String, interpreter: String?, argument: String?) {
    let name = interpreter ?? String(repeating: "x", count: 254)
    #expect(
      ProgramBeginning(Array(text.utf8))
        == .script(interpreter: ByteString(name), argument: argument.map { ByteString($0) }))
  }

  /// A 64-bit file with one program header, which names a loader.
  private static func elf(
    machine: UInt8 = 62, headerAt: UInt8 = 64, type: UInt8 = 3, textAt: UInt8 = 120,
    length: UInt8 = 6
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 120) + Array("/ld.so".utf8)
    bytes[120 + 5] = 0
    bytes.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
    bytes[18] = machine
    bytes[32] = headerAt
    (bytes[54], bytes[56]) = (56, 1)
    (bytes[64], bytes[64 + 8], bytes[64 + 32]) = (type, textAt, length)
    return bytes
  }

  @Test("is an ELF header with the machine and the loader, which may lie beyond the file")
  func elf() {
    #expect(ProgramBeginning(Self.elf()) == .elf(machine: 62, loader: "/ld.s"))
    #expect(ProgramBeginning(Self.elf(machine: 183)) == .elf(machine: 183, loader: "/ld.s"))
    for bytes in [
      Self.elf(type: 1), Self.elf(textAt: 250), Self.elf(length: 200), Self.elf(headerAt: 250),
      Array(Self.elf().prefix(100)), Array(Self.elf().prefix(20)),
    ] {
      #expect(ProgramBeginning(bytes) == .elf(machine: 62, loader: nil))
    }
    #expect(ProgramBeginning(Array(Self.elf().prefix(19))) == .other)
    #expect(ProgramBeginning([]) == .other && ProgramBeginning(Array("text".utf8)) == .other)
    // Each of its numbers at its largest.
    for index in Self.elf().indices {
      var bytes = Self.elf()
      for offset in index..<min(index + 8, bytes.count) { bytes[offset] = 0xff }
      _ = ProgramBeginning(bytes)
    }
  }

  @Test(
    "ends the start, for any user, if nginx or kong certainly cannot run",
    arguments: [
      (.otherMachine(183), 126, "a program for aarch64"),
      (.missingLoader("/lib/ld-musl-x86_64.so.1"), 127, "/lib/ld-musl-x86_64.so.1"),
      (.missingInterpreter("/usr/bin/env"), 127, "/usr/bin/env"),
      (.missingOnPath("resty"), 127, "resty"),
    ] as [(ProgramObstacle, Int32, String)])
  func obstacle(obstacle: ProgramObstacle, status: Int32, why: String) throws {
    for credentials in [Situation.root(), Situation.user()] {
      var nginx = Situation.nginx
      nginx.obstacle = obstacle
      var host = Situation.host(credentials, proxy: .found(nginx))
      let proxy = try Situation.plan(on: host)
      #expect(proxy.failure?.status == status && proxy.prepare.isEmpty)
      #expect(proxy.failure?.explanation?.why.contains(why) == true)
      var kong = ProgramFile(path: "/usr/local/bin/kong")
      kong.obstacle = obstacle
      host = Situation.host(credentials)
      host.command = .found(kong)
      #expect(try Situation.plan(on: host).failure?.status == status)
    }
  }
}
