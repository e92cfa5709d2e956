// Runs a command and makes one of its system calls fail, lists the calls that can be made to fail, or
// sends it a signal at an exact moment.
//
//   inject REPORT list COMMAND [ARGUMENT ...]
//   inject REPORT PROCESS NUMBER OCCURRENCE ERRNO COMMAND [ARGUMENT ...]
//   inject REPORT signal first|ordinary PROCESS MOMENT SIGNAL COMMAND [ARGUMENT ...]
//
// The call is named by the process (0 for the command, 1 for the first that it forks, ...), by its
// number in sys/syscall.h, and by the count of calls with that number in this process. The call is not
// carried out. It returns -ERRNO; with 0 for ERRNO it pretends to succeed. strace cannot do this: its
// counters are per process, so a fault meant for a child's third openat hits the parent's third openat
// first.
//
// A process is left alone once it execs another program. The fault must come after the first privileged
// call or fork; the list contains only calls from there on, one a line in REPORT: "PROCESS NUMBER
// OCCURRENCE CHANGES". CHANGES is 1 for a call that changes credentials or a file's capabilities,
// otherwise 0. After a fault REPORT has one line: "hit=0|1 signal=N hang=0|1". N is the signal that ended
// the command, or one of its processes before its exec. The exit status is the command's.
//
// A moment is the entry or the return of a call of PROCESS; the first is the return from the command's
// own exec. SIGNAL goes to the command, which is the `first` process of a process namespace or an
// `ordinary` one. From then on all processes run freely. REPORT has one line: "hit=0|1 resent=0|1 call=N
// entering=0|1 microseconds=N left=0|1 hang=0|1": where the signal was sent, how long after it the
// command ended, and whether one of its processes was left. If the moment does not come, or the command
// does not end, the signal is sent (again) once all its processes only wait. Processes that a busy machine
// keeps from running do not count as waiting.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  most_processes = 64,
  most_numbers = 1024,
  patience = 10,       // seconds
  look_after = 120,    // milliseconds between two looks at whether all processes wait
  looks_in_a_row = 2,  // that find them waiting, and the signal is sent (again)
  most_agains = 12,    // after which the command is taken to hang,
  most_looks = 250,    // as after these
  last_breath = 2000,  // milliseconds for processes that have been killed to go
};

struct process {
  pid_t id;
  bool is_traced;
  bool has_ended;
  bool has_started;  // stopped for the first time
  bool is_failing;   // inside the call that shall fail
  unsigned long long call;  // the last that it made
  long long end;            // of its data segment (brk(2)), 0: that of its parent
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

// The signal to send, and where it was sent.
static struct {
  int number;  // 0: none
  bool is_to_first;
  int process;
  unsigned moment, moments;
  unsigned long long call;
  bool is_entering, is_left;
  volatile sig_atomic_t is_sent, is_resent, agains, looks, waiting_looks;
  struct timespec time;
  long long microseconds;  // from then to the command's end
} stop;

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

static bool changes_privileges(unsigned long long number, unsigned long long argument) {
  switch (number) {
    case SYS_setgroups:
    case SYS_setgid:
    case SYS_setuid:
    case SYS_setresgid:
    case SYS_setresuid:
    case SYS_capset:
    case SYS_setxattr:
    case SYS_fsetxattr:
    case SYS_fremovexattr:
      return true;
    case SYS_prctl:
      return argument == PR_CAPBSET_DROP || argument == PR_SET_KEEPCAPS ||
             argument == PR_SET_NO_NEW_PRIVS || argument == PR_CAP_AMBIENT ||
             argument == PR_SET_SECUREBITS;
    default:
      return false;
  }
}

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
      return true;
    default:
      return changes_privileges(number, argument);
  }
}

static void enter(struct process *process, const struct __ptrace_syscall_info *info) {
  unsigned long long number = info->entry.nr;
  process->call = number;
  if (!has_begun || number >= most_numbers) return;
  unsigned occurrence = ++process->made[number];
  int index = (int)(process - processes);
  if (is_first_of_interest(number, info->entry.args[0])) is_armed = true;
  if (!is_armed) return;
  if (fault.is_listing) {
    fprintf(report, "%d %llu %u %d\n", index, number, occurrence,
            changes_privileges(number, info->entry.args[0]));
  } else if (index == fault.process && number == fault.number && occurrence == fault.occurrence) {
    skip_call(process->id);
    process->is_failing = is_hit = true;
  }
}

// ---- moments ----

static void send_stop(void) {
  clock_gettime(CLOCK_MONOTONIC, &stop.time);
  kill(processes[0].id, stop.number);
  stop.is_sent = true;
}

static void set_timer(void) {
  const struct timeval time = {look_after / 1000, look_after % 1000 * 1000};
  const struct itimerval timer = {time, time};
  if (setitimer(ITIMER_REAL, &timer, NULL) != 0) fail("setitimer");
}

static void count_moment(struct process *process, const struct __ptrace_syscall_info *info) {
  bool is_entering = info->op == PTRACE_SYSCALL_INFO_ENTRY;
  if (!has_begun || stop.is_sent) return;
  if (is_entering) process->call = info->entry.nr;
  if (process != &processes[stop.process] || ++stop.moments != stop.moment) return;
  stop.call = process->call;
  stop.is_entering = is_entering;
  is_hit = true;
  stop.waiting_looks = 0;
  set_timer();
  send_stop();
}

// brk(2) fails by returning the old end.
static long result_of_failing(const struct process *process) {
  if (fault.number != SYS_brk) return -fault.error;
  return process->end != 0 ? process->end : processes[0].end;
}

static void on_call(struct process *process) {
  struct __ptrace_syscall_info info = {0};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, process->id, sizeof info, &info) <= 0) return;
  if (stop.number != 0) {
    count_moment(process, &info);
    return;
  }
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) enter(process, &info);
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->is_failing) {
    set_result(process->id, result_of_failing(process));
    process->is_failing = false;
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->call == SYS_brk) {
    process->end = info.exit.rval;
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
  if (stop.is_to_first && unshare(CLONE_NEWPID) != 0) fail("unshare");
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
  // It may have been killed in the meantime.
  const int how = stop.is_sent ? PTRACE_CONT : PTRACE_SYSCALL;
  if (ptrace(how, process->id, 0, signal) != 0 && errno != ESRCH) fail("PTRACE_SYSCALL");
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

static long long microseconds_since(const struct timespec *time) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - time->tv_sec) * 1000000LL + (now.tv_nsec - time->tv_nsec) / 1000;
}

static void on_end(struct process *process, int status) {
  process->has_ended = true;
  // A parent may kill its child.
  bool is_killed_child = process != &processes[0] && WTERMSIG(status) == SIGKILL;
  if (WIFSIGNALED(status) && process->is_traced && !is_killed_child) {
    fatal_signal = WTERMSIG(status);
  }
  if (process == &processes[0]) {
    stop.microseconds = microseconds_since(&stop.time);
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

// Whether a process sleeps (proc_pid_stat(5)): it neither runs, nor would run on an idle machine, nor is
// stopped by us. Safe in a signal handler (signal-safety(7)).
static bool is_waiting(pid_t id) {
  char path[32], text[64], digits[12], *end = stpcpy(path, "/proc/");
  int count = 0;
  for (; id > 0; id /= 10) digits[count++] = (char)('0' + id % 10);
  while (count > 0) *end++ = digits[--count];
  strcpy(end, "/stat");
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT;
  ssize_t length = read(file, text, sizeof text - 1);
  if (length < 0) length = 0;
  close(file);
  text[length] = 0;
  const char *state = strstr(text, ") ");
  return length == 0 || (state && state[2] == 'S');
}

static bool are_all_waiting(void) {
  for (int i = 0; i < process_count; i++) {
    if (!processes[i].has_ended && !is_waiting(processes[i].id)) return false;
  }
  return true;
}

static void stop_again(void) {
  stop.waiting_looks = are_all_waiting() ? stop.waiting_looks + 1 : 0;
  if (stop.waiting_looks < looks_in_a_row) return;
  stop.waiting_looks = 0;
  stop.agains++;
  if (stop.is_sent) stop.is_resent = 1;
  send_stop();
}

static void on_alarm(int signal) {
  (void)signal;
  if (stop.number != 0 && stop.agains < most_agains && ++stop.looks < most_looks) {
    stop_again();
    return;
  }
  is_hanging = 1;
  for (int i = 0; i < process_count; i++) kill(processes[i].id, SIGKILL);
}

static void on_change(pid_t id, int status) {
  struct process *process = find(id);
  if (WIFSTOPPED(status)) {
    on_stop(process, status);
  } else {
    on_end(process, status);
  }
}

static void follow(void) {
  int status;
  while (command_status < 0) {
    pid_t id = waitpid(-1, &status, __WALL);
    if (id < 0 && errno == EINTR) continue;
    if (id < 0) fail("waitpid");
    on_change(id, status);
  }
}

// Processes that the command leaves behind become our children (PR_SET_CHILD_SUBREAPER).
static void look_for_left(void) {
  const struct timespec moment = {0, 1000000};
  int status;
  for (int i = 0; i < last_breath; i++) {
    pid_t id;
    while ((id = waitpid(-1, &status, __WALL | WNOHANG)) > 0) on_change(id, status);
    if (id < 0 && errno == ECHILD) return;
    nanosleep(&moment, NULL);
  }
  stop.is_left = true;
}

static char **parse_stop(int count, char **arguments) {
  if (count < 8) exit(64);
  stop.is_to_first = strcmp(arguments[3], "first") == 0;
  stop.process = atoi(arguments[4]);
  stop.moment = (unsigned)atoi(arguments[5]);
  stop.number = atoi(arguments[6]);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("PR_SET_CHILD_SUBREAPER");
  return arguments + 7;
}

static char **parse_fault(int count, char **arguments) {
  if (count < 7) exit(64);
  fault.process = atoi(arguments[2]);
  fault.number = strtoull(arguments[3], NULL, 10);
  fault.occurrence = (unsigned)atoi(arguments[4]);
  fault.error = atoi(arguments[5]);
  return arguments + 6;
}

static void write_report(void) {
  if (stop.number != 0) {
    fprintf(report, "hit=%d resent=%d call=%llu entering=%d microseconds=%lld left=%d hang=%d\n",
            is_hit, (int)stop.is_resent, stop.call, stop.is_entering, stop.microseconds,
            stop.is_left, (int)is_hanging);
  } else if (!fault.is_listing) {
    fprintf(report, "hit=%d signal=%d hang=%d\n", is_hit, fatal_signal, (int)is_hanging);
  }
}

int main(int count, char **arguments) {
  if (count < 4) return 64;
  char **command = arguments + 3;
  fault.is_listing = strcmp(arguments[2], "list") == 0;
  if (strcmp(arguments[2], "signal") == 0) {
    command = parse_stop(count, arguments);
  } else if (!fault.is_listing) {
    command = parse_fault(count, arguments);
  }
  report = fopen(arguments[1], "we");
  if (!report) fail(arguments[1]);
  start(command);
  signal(SIGALRM, on_alarm);
  alarm(patience);
  if (stop.number != 0) set_timer();
  follow();
  if (stop.number != 0) look_for_left();
  write_report();
  return fclose(report) == 0 ? command_status : 125;
}
