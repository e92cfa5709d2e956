import Testing

@testable import Linux

/// How often the kernel has killed for want of memory, as the two versions of control groups say it.
@Suite struct OutOfMemoryTests {
  @Test(
    arguments: [
      ("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n", 2),
      ("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", 7),
      ("oom_kill_disable 0\nunder_oom 0\n", nil),
      ("oom_kill many\n", nil),
      ("", nil),
    ] as [(String, Int?)])
  func `the line oom_kill has the number`(_ text: String, count: Int?) {
    #expect(OutOfMemoryKills.count(in: Array(text.utf8)) == count)
  }

  @Test func `this machine says it, or has no such file`() {
    #expect((OutOfMemoryKills.count() ?? 0) >= 0)
    #expect(OutOfMemoryKills.count(root: "/nowhere") == nil)
  }
}
