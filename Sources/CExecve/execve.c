// Why C: this must run before the constructors of the libraries in the binary, and only
// .preinit_array does (System V ABI, "Initialization and Termination Functions").
//
// The Swift runtime and Foundation read variables that change what code runs: SWIFT_BACKTRACE names
// a program to start when the process crashes, SWIFT_DEBUG_LIB_PRESPECIALIZED_PATH a library to
// load. A process that starts as root and is handed its environment by others shall know none of
// them. So the libraries see a fixed environment; the real one is read by our own code only, and
// passed on unchanged to what we exec.
//
// The arguments are kept here too, because the Swift runtime looks for them next to `environ`.
#include "CExecve.h"

#include <unistd.h>

static char **arguments;
static char **environment;

// With the crash reporter off and its path given, the runtime does not search the file system.
static char *fixed_environment[] = {
    "SWIFT_BACKTRACE=enable=no,swift-backtrace=/,color=no,interactive=no", 0};

static void keep(int argc, char **argv, char **envp) {
  (void)argc;
  arguments = argv;
  environment = envp;
  __environ = fixed_environment;
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) =
    keep;

char **execve_arguments(void) { return arguments; }

char **execve_environment(void) { return environment; }
