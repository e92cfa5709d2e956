// Why C: the two functions by which Swift's CommandLine gets its arguments. The runtime's own look for
// them next to `environ`, and read /proc/self/maps at every start to know where to stop; with these here,
// the linker leaves those out. Should a later runtime need more of that file, the build says so.
#include "Start.h"

char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
  *count = execve_argument_count();
  return execve_arguments();
}

// Nothing of ours gives the runtime other arguments.
void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc) {
  (void)argv;
  (void)argc;
}
