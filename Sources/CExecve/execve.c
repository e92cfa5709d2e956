// Why C: this must run before the constructors of the libraries in the binary, and only
// .preinit_array does (System V ABI, "Initialization and Termination Functions").
//
// The Swift runtime reads variables that change what code runs: SWIFT_BACKTRACE names
// a program to start when the process crashes, SWIFT_DEBUG_LIB_PRESPECIALIZED_PATH a library to
// load. A process that starts as root with an environment from somebody else must honour none of
// them. So the libraries see a fixed environment; the real one is read by our own code only, and
// passed on unchanged to what we exec.
#include "CExecve.h"

#include <unistd.h>

static char **arguments;
static int argument_count;
static char **environment;

// With the crash reporter off and its path given, the runtime does not search the file system.
static char *fixed_environment[] = {
    "SWIFT_BACKTRACE=enable=no,swift-backtrace=/,color=no,interactive=no", 0};

static void keep(int argc, char **argv, char **envp) {
  arguments = argv;
  argument_count = argc;
  environment = envp;
  __environ = fixed_environment;
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) =
    keep;

char **execve_arguments(void) { return arguments; }

char **execve_environment(void) { return environment; }

// The two functions by which Swift's CommandLine gets its arguments. The runtime's own look for them
// next to `environ`, and read /proc/self/maps at every start to know where to stop; with these here,
// the linker leaves those out. Should a later runtime need more of that file, the build says so.
char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
  *count = argument_count;
  return arguments;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc) {
  arguments = argv;
  argument_count = argc;
}
