import Testing

@Suite("The memory of a release")
struct AllocationTests {
  /// The tests themselves have the C library's, so a program of its own is linked with ours.
  @Test("is given as malloc(3) says, used again after free(3), and ends with ENOMEM")
  func memory() throws {
    let root = Shell.package.path
    let outcome = try shell(
      """
      cc -O2 -Wall -Wextra -Werror -DRELEASE -c -o "$T/ours.o" '\(root)/Sources/Start/allocation.c'
      # The compiler must not take the malloc of the test for the one that it knows.
      cc -static -O2 -Wall -Wextra -Werror -fno-builtin -Wno-alloc-size-larger-than -o "$T/program" \\
        '\(root)/Tests/support/allocation.c' "$T/ours.o"
      "$T/program"
      """)
    #expect(outcome.output == "passed\n", "\(outcome.errors)")
    #expect(
      outcome.errors.contains(
        "  why: the kernel gives this process no more memory (Cannot allocate memory)\n"))
  }
}
