// Why C, and assembly: what is done here must be done before any library begins.
//
// The linker is told to begin here (Package.swift), not at the C library's _start, which follows. Nothing of
// the library can be used yet: thread-local storage, and with it errno, is not set up; and in a test, which is
// linked with glibc, memset and its like are not linked to their variants.
//
// 1. The stop signals must end this process from its first instruction on. As the first process of a
// container it has no default action for them: what arrives before there is a handler is lost
// (pid_namespaces(7)), and with it a `docker stop`.
//
// 2. The libraries must not see the environment. It can be from somebody else than root, and libraries read
// variables that change what code runs, or how long it takes: glibc, which the tests are linked with,
// LD_LIBRARY_PATH and GLIBC_TUNABLES (CVE-2023-4911, CVE-2025-4802; 20,000 entries took 10 seconds), the Swift
// runtime SWIFT_BACKTRACE, a program to start after a crash, and SWIFT_DEBUG_LIB_PRESPECIALIZED_PATH, a library
// to load. The release has no such library; nor shall it depend on that. So they get a fixed environment; the
// real one is read by our own code only, and passed on unchanged to what we exec.
//
// 3. In the release, relocated data becomes read-only (PT_GNU_RELRO, elf(5)). In a static program that is left to
// the C library, and musl does not do it.
#include <asm/signal.h>
#include <asm/unistd.h>
#include <elf.h>
#include <linux/auxvec.h>
#include <stddef.h>

// The order of the kernel's own struct, which that of asm/signal.h is not on x86.
struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long long mask;
};

static long system_call(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
  long result;
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
#else
#error "how a system call is made is not known for this processor"
#endif
}

// ---- signals ----

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

static void end_process(int number) {
  for (;;) system_call(__NR_exit_group, 128 + number, 0, 0, 0);
}

// Never used, because the handler does not return; but x86 refuses a handler without one.
static void never_returns(void) { end_process(0); }

// What the kernel answered to the first of these calls that failed: 0, or -errno; and which call that was. A
// seccomp profile may refuse them.
static int failure;
static const char *failed_call = "";

static void note(const char *call, long result) {
  if (result >= 0 || failure != 0) return;
  failure = (int)result;
  failed_call = call;
}

int first_instruction_failure(void) { return -failure; }
const char *first_instruction_failed_call(void) { return failed_call; }

static void set_action(int number, const struct kernel_action *wanted, struct kernel_action *before) {
  note("rt_sigaction",
       system_call(__NR_rt_sigaction, number, (long)wanted, (long)before, sizeof wanted->mask));
}

static void set_mask(unsigned long long mask) {
  note("rt_sigprocmask", system_call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask));
}

// Whoever starts this process may have ignored or blocked signals, and exec(2) hands that on: a shell
// without job control ignores INT and QUIT for what it starts in the background, and a container must
// be stopped by them all the same. An ignored SIGCHLD makes children vanish before they are waited for
// (wait(2)). Only an ignored HUP stays ignored: nohup(1) does nothing else, and is asked for by name.
//
// The next exec sets handlers back to the default, so the command has no trace of any of this.
//
// All signals are blocked first: what is blocked is not lost, so one system call closes the gap for all.
__attribute__((used, no_stack_protector)) static void set_signals(void) {
  struct kernel_action wanted = {end_process, SA_RESTORER, never_returns, ~0ULL}, before;
  const struct kernel_action initial = {SIG_DFL, 0, 0, 0};
  set_mask(~0ULL);
  for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
    const int number = stop_signals[i];
    before.handler = SIG_DFL;
    set_action(number, &wanted, &before);
    if (number == SIGHUP && before.handler == SIG_IGN) set_action(number, &before, 0);
  }
  set_action(SIGCHLD, &initial, 0);
  set_mask(0);
}

// ---- relocated data ----

#ifdef RELEASE
enum { read_only = 1 };  // PROT_READ

static unsigned long auxiliary_value(const unsigned long *vector, unsigned long type) {
  while (vector[0] != AT_NULL && vector[0] != type) vector += 2;
  return vector[0] == type ? vector[1] : 0;
}

// The program is linked for fixed addresses, so what its headers say is where it is. Only whole pages are
// protected, as by every loader; the linker fills up the last one.
static void protect_relocated_data(const unsigned long *vector) {
  const Elf64_Phdr *header = (const Elf64_Phdr *)auxiliary_value(vector, AT_PHDR);
  const unsigned long count = auxiliary_value(vector, AT_PHNUM), page = auxiliary_value(vector, AT_PAGESZ);
  for (unsigned long i = 0; i < count; i++) {
    if (header[i].p_type != PT_GNU_RELRO) continue;
    const unsigned long start = header[i].p_vaddr & -page;
    const unsigned long end = (header[i].p_vaddr + header[i].p_memsz) & -page;
    note("mprotect", system_call(__NR_mprotect, (long)start, (long)(end - start), read_only, 0));
  }
}
#else
static void protect_relocated_data(const unsigned long *vector) { (void)vector; }  // glibc does it
#endif

// ---- the environment ----

// With the crash reporter off and its path given, the runtime does not search the file system.
static char fixed_variable[] = "SWIFT_BACKTRACE=enable=no,swift-backtrace=/,color=no,interactive=no";

static int argument_count;
static char **arguments;
static char **environment;

int execve_argument_count(void) { return argument_count; }
char **execve_arguments(void) { return arguments; }
char **execve_environment(void) { return environment; }

// The auxiliary vector of a stack as the kernel made it: the count of arguments, the arguments, 0, the
// environment, 0, and this, which ends with an entry of AT_NULL (System V ABI, "Process Initialization").
static unsigned long *auxiliary_vector(unsigned long *stack) {
  unsigned long *position = stack + 1 + stack[0] + 1;
  while (*position != 0) position++;
  return position + 1;
}

static unsigned long words_of_auxiliary_vector(const unsigned long *vector) {
  unsigned long count = 2;
  for (; vector[count - 2] != AT_NULL; count += 2) {
  }
  return count;
}

// How many bytes the stack takes that _start shall see: a multiple of 16.
__attribute__((used, no_stack_protector)) static unsigned long size_of_visible_stack(unsigned long *stack) {
  const unsigned long fixed = 1 + stack[0] + 1 + 1 + 1;
  const unsigned long words = fixed + words_of_auxiliary_vector(auxiliary_vector(stack));
  return (words * sizeof *stack + 15) & ~15UL;
}

// Not memcpy, which is a call through a table that is not filled yet; nor may the compiler make one of
// the loop.
static unsigned long *copy(unsigned long *target, const unsigned long *source, unsigned long count) {
  for (unsigned long i = 0; i < count; i++) {
    target[i] = source[i];
    __asm__ volatile("" ::: "memory");
  }
  return target + count;
}

// Copies the kernel's stack with another environment, and keeps where the real things are.
__attribute__((used, no_stack_protector)) static void make_visible_stack(
    unsigned long *stack, unsigned long *visible) {
  unsigned long *vector = auxiliary_vector(stack);
  argument_count = (int)stack[0];
  arguments = (char **)(stack + 1);
  environment = (char **)(stack + 1 + stack[0] + 1);
  protect_relocated_data(vector);
  visible = copy(visible, stack, 1 + stack[0] + 1);
  *visible++ = (unsigned long)fixed_variable;
  *visible++ = 0;
  copy(visible, vector, words_of_auxiliary_vector(vector));
}

// _start gets one register as the kernel, or the dynamic loader, left it, and a stack of its own below the
// kernel's (System V ABI, "Process Initialization").
__attribute__((naked, used)) void first_instruction(void) {
#if defined(__x86_64__)
  __asm__(
      "movq %rsp, %rbx\n"
      "movq %rdx, %rbp\n"
      "call set_signals\n"
      "movq %rbx, %rdi\n"
      "call size_of_visible_stack\n"
      "subq %rax, %rsp\n"
      "movq %rbx, %rdi\n"
      "movq %rsp, %rsi\n"
      "call make_visible_stack\n"
      "movq %rbp, %rdx\n"
      "jmp _start\n");
#elif defined(__aarch64__)
  __asm__(
      "mov x19, sp\n"
      "mov x20, x0\n"
      "bl set_signals\n"
      "mov x0, x19\n"
      "bl size_of_visible_stack\n"
      "sub sp, sp, x0\n"
      "mov x0, x19\n"
      "mov x1, sp\n"
      "bl make_visible_stack\n"
      "mov x0, x20\n"
      "b _start\n");
#endif
}
