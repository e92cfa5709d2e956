// Runs a command and makes one of its system calls fail, or lists the calls that can be made to fail.
//
//   inject REPORT list COMMAND [ARGUMENT ...]
//   inject REPORT PROCESS NUMBER OCCURRENCE ERRNO COMMAND [ARGUMENT ...]
//
// The call is named by the process (0 for the command, 1 for the first that it forks, ...), by its
// number in sys/syscall.h, and by how many calls of that number this process has made by then. The
// call is not carried out, and returns -ERRNO. strace cannot do this: its counters run in each
// process, so a fault meant for a child's third openat hits the parent's third openat first.
//
// A process is left alone from its exec of another program on. The fault must come after the first
// privileged call or fork; only from there on are calls listed: "PROCESS NUMBER OCCURRENCE", a line
// each, in REPORT. After a fault REPORT has one line: "hit=0|1 signal=N hang=0|1", N the signal that
// ended the command or one of its processes before its exec. The exit status is the command's.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_processes = 64, most_numbers = 1024, patience = 10 /* seconds */ };

struct process {
  pid_t id;
  bool is_traced;
  bool has_started;  // stopped for the first time
  bool is_failing;   // inside the call that shall fail
  unsigned made[most_numbers];
};

static struct process processes[most_processes];
static int process_count;

static struct {
  bool is_listing;
  int process;
  unsigned long long number;
  unsigned occurrence;
  int error;
} fault;

static FILE *report;
static bool is_armed, is_hit, has_begun;
static volatile sig_atomic_t is_hanging;
static int fatal_signal, command_status = -1;

static void fail(const char *what) {
  perror(what);
  exit(125);
}

// ---- registers ----

static void skip_call(pid_t id) {
#if defined(__x86_64__)
  if (ptrace(PTRACE_POKEUSER, id, offsetof(struct user_regs_struct, orig_rax), -1L) != 0) {
    fail("PTRACE_POKEUSER");
  }
#elif defined(__aarch64__)
  int number = -1;
  struct iovec part = {&number, sizeof number};
  if (ptrace(PTRACE_SETREGSET, id, NT_ARM_SYSTEM_CALL, &part) != 0) fail("PTRACE_SETREGSET");
#else
#error "how a system call is skipped is not known for this processor"
#endif
}

static void set_result(pid_t id, long result) {
  struct user_regs_struct registers;
  struct iovec part = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, id, NT_PRSTATUS, &part) != 0) fail("PTRACE_GETREGSET");
#if defined(__x86_64__)
  registers.rax = (unsigned long long)result;
#elif defined(__aarch64__)
  registers.regs[0] = (unsigned long long)result;
#endif
  if (ptrace(PTRACE_SETREGSET, id, NT_PRSTATUS, &part) != 0) fail("PTRACE_SETREGSET");
}

// ---- system calls ----

static bool is_first_of_interest(unsigned long long number, unsigned long long argument) {
  switch (number) {
    case SYS_clone:
    case SYS_clone3:
#ifdef SYS_fork
    case SYS_fork:
    case SYS_vfork:
    case SYS_chown:
    case SYS_lchown:
#endif
    case SYS_fchown:
    case SYS_fchownat:
    case SYS_setgroups:
    case SYS_setgid:
    case SYS_setuid:
    case SYS_setresgid:
    case SYS_setresuid:
    case SYS_capset:
    case SYS_fsetxattr:
    case SYS_setxattr:
      return true;
    case SYS_prctl:
      return argument == PR_CAPBSET_DROP || argument == PR_SET_KEEPCAPS ||
             argument == PR_SET_NO_NEW_PRIVS || argument == PR_CAP_AMBIENT ||
             argument == PR_SET_SECUREBITS;
    default:
      return false;
  }
}

static void enter(struct process *process, const struct __ptrace_syscall_info *info) {
  unsigned long long number = info->entry.nr;
  if (!has_begun || number >= most_numbers) return;
  unsigned occurrence = ++process->made[number];
  int index = (int)(process - processes);
  if (is_first_of_interest(number, info->entry.args[0])) is_armed = true;
  if (!is_armed) return;
  if (fault.is_listing) {
    fprintf(report, "%d %llu %u\n", index, number, occurrence);
  } else if (index == fault.process && number == fault.number && occurrence == fault.occurrence) {
    skip_call(process->id);
    process->is_failing = is_hit = true;
  }
}

static void on_call(struct process *process) {
  struct __ptrace_syscall_info info = {0};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, process->id, sizeof info, &info) <= 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) enter(process, &info);
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->is_failing) {
    set_result(process->id, -fault.error);
    process->is_failing = false;
  }
}

// ---- processes ----

static struct process *find(pid_t id) {
  for (int i = 0; i < process_count; i++) {
    if (processes[i].id == id) return &processes[i];
  }
  if (process_count == most_processes) exit(125);
  struct process *process = &processes[process_count++];
  *process = (struct process){.id = id, .is_traced = true};
  return process;
}

static void start(char **command) {
  pid_t id = fork();
  if (id < 0) fail("fork");
  if (id == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) fail("PTRACE_TRACEME");
    raise(SIGSTOP);
    execv(command[0], command);
    fail(command[0]);
  }
  find(id);
}

static void trace(struct process *process) {
  process->has_started = true;
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, process->id, 0, options) != 0) fail("PTRACE_SETOPTIONS");
}

static void resume(struct process *process, int signal) {
  // It may have been killed meanwhile.
  if (ptrace(PTRACE_SYSCALL, process->id, 0, signal) != 0 && errno != ESRCH) {
    fail("PTRACE_SYSCALL");
  }
}

static void on_exec(struct process *process) {
  if (!has_begun) {
    has_begun = true;
    resume(process, 0);
  } else {
    process->is_traced = false;
    ptrace(PTRACE_DETACH, process->id, 0, 0);
  }
}

static void on_end(struct process *process, int status) {
  // A child may well be killed by its parent.
  bool is_killed_child = process != &processes[0] && WTERMSIG(status) == SIGKILL;
  if (WIFSIGNALED(status) && process->is_traced && !is_killed_child) {
    fatal_signal = WTERMSIG(status);
  }
  if (process == &processes[0]) {
    command_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

static void on_stop(struct process *process, int status) {
  int signal = WSTOPSIG(status), event = status >> 16;
  if (!process->has_started) {
    trace(process);
    resume(process, 0);
  } else if (event == PTRACE_EVENT_EXEC) {
    on_exec(process);
  } else if (signal == (SIGTRAP | 0x80)) {
    on_call(process);
    resume(process, 0);
  } else {
    resume(process, event == 0 ? signal : 0);
  }
}

static void on_alarm(int signal) {
  (void)signal;
  is_hanging = 1;
  for (int i = 0; i < process_count; i++) kill(processes[i].id, SIGKILL);
}

static void follow(void) {
  int status;
  pid_t id;
  while (command_status < 0) {
    id = waitpid(-1, &status, __WALL);
    if (id < 0 && errno == EINTR) continue;
    if (id < 0) fail("waitpid");
    struct process *process = find(id);
    if (WIFSTOPPED(status)) {
      on_stop(process, status);
    } else {
      on_end(process, status);
    }
  }
}

int main(int count, char **arguments) {
  if (count < 4) return 64;
  char **command = arguments + 3;
  fault.is_listing = strcmp(arguments[2], "list") == 0;
  if (!fault.is_listing) {
    if (count < 7) return 64;
    fault.process = atoi(arguments[2]);
    fault.number = strtoull(arguments[3], NULL, 10);
    fault.occurrence = (unsigned)atoi(arguments[4]);
    fault.error = atoi(arguments[5]);
    command = arguments + 6;
  }
  report = fopen(arguments[1], "we");
  if (!report) fail(arguments[1]);
  start(command);
  signal(SIGALRM, on_alarm);
  alarm(patience);
  follow();
  if (!fault.is_listing) {
    fprintf(report, "hit=%d signal=%d hang=%d\n", is_hit, fatal_signal, (int)is_hanging);
  }
  return fclose(report) == 0 ? command_status : 125;
}
