// Why C, and assembly: the stop signals must end this process from its first instruction on.
//
// As the first process of a container it has no default action for them: what arrives before there
// is a handler is lost (pid_namespaces(7)), and with it a `docker stop`. The beginning of glibc and
// of the Swift runtime takes a good part of a start (in a virtual machine each `cpuid` of glibc's
// leaves the machine). So the linker is told to begin here (Package.swift), not at glibc's _start,
// which follows. Nothing of glibc can be used yet: thread-local storage, and with it errno, is not
// set up, and memset and its like are not linked to their variants.
#include <asm/signal.h>
#include <asm/unistd.h>
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

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

static void end_process(int number) {
  for (;;) system_call(__NR_exit_group, 128 + number, 0, 0, 0);
}

// Never used, because the handler does not return; but x86 refuses a handler without one.
static void never_returns(void) { end_process(0); }

// exec(2) sets handlers back to the default, so that the command starts without them.
//
// The signals are blocked first: what is blocked is not lost, so one system call closes the gap for
// all. An inherited "ignore" (nohup(1)) stays; setting it again drops what has come meanwhile.
__attribute__((used, no_stack_protector)) static void set_handlers(void) {
  unsigned long long mask = 0, original;
  struct kernel_action wanted, before;
  for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
    mask |= 1ULL << (stop_signals[i] - 1);
  }
  wanted.handler = end_process;
  wanted.flags = SA_RESTORER;
  wanted.restorer = never_returns;
  wanted.mask = mask;
  system_call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&mask, (long)&original, sizeof mask);
  for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
    const int number = stop_signals[i];
    system_call(__NR_rt_sigaction, number, (long)&wanted, (long)&before, sizeof mask);
    if (before.handler == SIG_IGN) {
      system_call(__NR_rt_sigaction, number, (long)&before, 0, sizeof mask);
    }
  }
  system_call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&original, 0, sizeof mask);
}

// _start gets the stack and one register as the kernel, or the dynamic loader, left them (System V
// ABI, "Process Initialization").
__attribute__((naked, used)) void first_instruction(void) {
#if defined(__x86_64__)
  __asm__(
      "pushq %rdx\n"
      "subq $8, %rsp\n"
      "call set_handlers\n"
      "addq $8, %rsp\n"
      "popq %rdx\n"
      "jmp _start\n");
#elif defined(__aarch64__)
  __asm__(
      "stp x0, x30, [sp, #-16]!\n"
      "bl set_handlers\n"
      "ldp x0, x30, [sp], #16\n"
      "b _start\n");
#endif
}
