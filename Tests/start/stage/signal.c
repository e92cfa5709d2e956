// Starts a command many times, and sends each start one of TERM, INT, QUIT and HUP at a random moment.
//
//   signal [-1] [-u UID] [-i] [-h] [-a] [-n COUNT] [-s SEED] COMMAND [ARGUMENT ...]
//
//   -1  as the first process of a process namespace
//   -u  as this user
//   -i  `kong prepare` ignores the signals: the start ends after 2 seconds, even if it is stopped and
//       continued meanwhile
//   -h  the start ignores HUP, and gets only HUP; it must reach nginx, which TERM ends
//   -a  the start begins with TERM, INT, QUIT and CHLD ignored, and with all signals blocked
//
// The command ends in nginx; nginx and `kong prepare` are waiting.c. A few starts without a signal show
// how long it takes until nginx runs, or `kong prepare` waits. The moments lie between the exec of the
// command and somewhat later than that; with -i, after that. Each start must end with 128 + signal, in
// time, and leave nothing behind. For the first process there are two gaps that only the kernel could
// close; a start whose signal fell into one is counted separately:
//
//   early  before the first instruction there was no handler
//   late   the exec of nginx had begun: it clears handlers, and nginx had none yet
//
// A start that ended too late, or became nginx, is tried again at the same moment: the machine may have
// been busy. Prints a line for each violation and one with the counts; the exit status is 1 after a
// violation.
#define _GNU_SOURCE
#include "event.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  limit = 100 * 1000,          // microseconds a start may take to end
  patience = 2000 * 1000,      // microseconds before a child that ignores signals is killed
  hang = 5000 * 1000,          // microseconds
  last_breath = 2000 * 1000,   // microseconds for processes that have been killed to go
  exec_of_nginx = 2000,        // microseconds from a signal that fell into it to nginx, at most
  spin = 150,                  // microseconds: a sleep would be longer
  attempts = 8,
  measured = 15,
};

static struct {
  bool is_first, ignores, is_nohup, is_deaf;
  long uid;
  int count;
  unsigned short seed[3];
  char **command;
} test = {.uid = -1, .count = 50};

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

enum outcome { fine, early, late, slow, lost, wrong_status, left, hanging, outcomes };
static const char *const outcome_names[] = {
    "fine",           "early",          "late",  "too slow", "nginx runs all the same",
    "wrong status",   "processes left", "no end"};

struct start {
  pid_t id;
  int process;  // pidfd
  int events;   // pipe
  long long begun;
  struct {
    long long waits, ends, nginx;  // times of the events that have been told by now; 0: not yet
  } told;
};

static void fail(const char *what) {
  perror(what);
  exit(125);
}

static long long microseconds(const struct timespec *time) {
  return time->tv_sec * 1000000LL + time->tv_nsec / 1000;
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return microseconds(&time);
}

static void wait_until(long long moment) {
  long long rest;
  while ((rest = moment - now()) > 0) {
    if (rest > spin) usleep((useconds_t)(rest - spin));
  }
}

// ---- one start ----

// A blocked signal is not lost, whether it is ignored or not.
static void ignore_and_block(void) {
  static const int ignored[] = {SIGTERM, SIGINT, SIGQUIT, SIGCHLD};
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
}

static void become_command(int events) {
  if (dup2(events, event_descriptor) < 0) fail("dup2");
  if (test.uid >= 0) {
    if (setgroups(0, NULL) != 0 || setgid((gid_t)test.uid) != 0 || setuid((uid_t)test.uid) != 0) {
      fail("setuid");
    }
  }
  if (test.is_nohup) signal(SIGHUP, SIG_IGN);
  if (test.is_deaf) ignore_and_block();
  execv(test.command[0], test.command);
  fail(test.command[0]);
}

// Returns after the exec of the command, which closes the descriptor `executed`.
static struct start begin(void) {
  struct start start = {0};
  int events[2], executed[2];
  char byte;
  if (pipe2(events, O_CLOEXEC | O_NONBLOCK) != 0 || pipe2(executed, O_CLOEXEC) != 0) fail("pipe2");
  start.id = (pid_t)syscall(SYS_clone, SIGCHLD | (test.is_first ? CLONE_NEWPID : 0), 0, 0, 0, 0);
  if (start.id < 0) fail("clone");
  if (start.id == 0) become_command(events[1]);
  close(events[1]);
  close(executed[1]);
  if (read(executed[0], &byte, 1) != 0) fail("exec");
  start.begun = now();
  close(executed[0]);
  start.events = events[0];
  start.process = (int)syscall(SYS_pidfd_open, start.id, 0);
  if (start.process < 0) fail("pidfd_open");
  return start;
}

static bool ends_until(const struct start *start, long long moment) {
  struct pollfd process = {start->process, POLLIN, 0};
  for (;;) {
    long long rest = moment - now();
    const struct timespec time = {rest / 1000000, rest % 1000000 * 1000};
    int count = ppoll(&process, 1, rest > 0 ? &time : &(struct timespec){0, 0}, NULL);
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) fail("ppoll");
  }
}

static void read_events(struct start *start) {
  struct event event;
  while (read(start->events, &event, sizeof event) == sizeof event) {
    long long time = microseconds(&event.time);
    if (event.kind == 'p') start->told.waits = time;
    if (event.kind == 'e') start->told.ends = time;
    if (event.kind == 'n') start->told.nginx = time;
  }
}

// Whether the process has a handler for the signal, or blocks it until it has one.
static bool is_expected(pid_t id, int number) {
  char path[64], text[4096], *field;
  unsigned long long set = 0;
  snprintf(path, sizeof path, "/proc/%d/status", id);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (length < 0) fail(path);
  close(file);
  text[length] = 0;
  if ((field = strstr(text, "\nSigBlk:\t"))) set |= strtoull(field + 9, NULL, 16);
  if ((field = strstr(text, "\nSigCgt:\t"))) set |= strtoull(field + 9, NULL, 16);
  return set >> (number - 1) & 1;
}

// Processes that the start left behind have become our children (PR_SET_CHILD_SUBREAPER). Killed ones may
// need a while.
static bool is_anything_left(void) {
  const long long deadline = now() + last_breath;
  pid_t id;
  while ((id = waitpid(-1, NULL, WNOHANG)) >= 0) {
    if (id == 0 && now() > deadline) return true;
    if (id == 0) usleep(200);
  }
  return false;
}

static void kill_left(void) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  while (waitpid(-1, NULL, WNOHANG) >= 0) {
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[length] = 0;
    char *rest = text;
    for (char *id; (id = strsep(&rest, " \n"));) {
      if (*id) kill((pid_t)atol(id), SIGKILL);
    }
    usleep(1000);
  }
}

struct result {
  enum outcome outcome;
  int status;      // as a shell has it
  long long took;  // microseconds from the signal, or from the child's end
};

// A child that does not ignore signals yet ends at once.
static bool is_in_time(const struct start *start, long long took) {
  if (took <= limit) return true;
  return test.ignores && start->told.waits && took >= patience && took <= patience + limit;
}

static struct result judge(struct start *start, int number, long long sent, bool is_early) {
  struct result result = {fine, 0, 0};
  int status;
  read_events(start);
  long long ended = now();
  if (waitpid(start->id, &status, 0) != start->id) fail("waitpid");
  result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.took = ended - (start->told.ends > sent ? start->told.ends : sent);
  if (is_anything_left()) {
    kill_left();
    result.outcome = left;
  } else if (result.status != 128 + number) {
    result.outcome = wrong_status;
  } else if (!is_in_time(start, result.took)) {
    result.outcome = slow;
  } else if (is_early) {
    result.outcome = early;
  }
  return result;
}

static bool is_nginx(pid_t id) {
  char path[64], program[4096];
  snprintf(path, sizeof path, "/proc/%d/exe", id);
  ssize_t length = readlink(path, program, sizeof program - 1);
  program[length < 0 ? 0 : length] = 0;
  return strstr(program, "nginx") != NULL;
}

// A start that its signal has not ended. After the exec's point of no return the process is nginx. When the
// exec began can only be estimated.
static enum outcome judge_running(struct start *start, long long sent, bool was_nginx) {
  read_events(start);
  if (!test.is_first || !start->told.nginx) return hanging;
  return was_nginx || start->told.nginx - sent < exec_of_nginx ? late : lost;
}

static struct result stop_start(int number, long long moment) {
  struct start start = begin();
  struct result result = {fine, 0, 0};
  wait_until(start.begun + moment);
  bool is_early = test.is_first && !is_expected(start.id, number);
  long long sent = now();
  if (kill(start.id, number) != 0) fail("kill");
  bool was_nginx = is_nginx(start.id);
  is_early = !ends_until(&start, sent + limit / 2) && is_early && !was_nginx;
  if (is_early) {
    sent = now();
    kill(start.id, number);
  }
  if (test.ignores && !ends_until(&start, sent + patience / 4)) {
    kill(start.id, SIGSTOP);
    kill(start.id, SIGCONT);
  }
  if (test.is_first && !ends_until(&start, sent + limit)) {
    result.outcome = judge_running(&start, sent, was_nginx);
  }
  if (result.outcome != late && result.outcome != lost) {
    if (ends_until(&start, sent + hang)) {
      result = judge(&start, number, sent, is_early);
    } else {
      result.outcome = hanging;
    }
  }
  if (result.outcome == late || result.outcome == lost || result.outcome == hanging) {
    kill(start.id, SIGKILL);
    kill_left();
  }
  close(start.process);
  close(start.events);
  return result;
}

// ---- many ----

static int compare(const void *a, const void *b) {
  const long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

// The duration of a start: until nginx runs, or `kong prepare` waits.
static long long measure(bool *ends_in_nginx) {
  long long lengths[measured];
  for (int i = 0; i < measured; i++) {
    struct start start = begin();
      const long long deadline = start.begun + hang;
    while (!start.told.waits && !start.told.nginx) {
      if (now() > deadline) {
        fputs("signal: the start without a signal comes to nothing\n", stderr);
        exit(125);
      }
      usleep(100);
      read_events(&start);
    }
    *ends_in_nginx = start.told.nginx;
    lengths[i] = (start.told.nginx ? start.told.nginx : start.told.waits) - start.begun;
    kill(start.id, SIGKILL);
    kill_left();
    close(start.process);
    close(start.events);
  }
  qsort(lengths, measured, sizeof *lengths, compare);
  return lengths[measured / 2];
}

// HUP has no effect; TERM is sent when nginx runs.
static struct result hang_up(long long moment) {
  struct start start = begin();
  struct result result = {hanging, 0, 0};
  wait_until(start.begun + moment);
  if (kill(start.id, SIGHUP) != 0) fail("kill");
  while (!start.told.nginx && !ends_until(&start, now() + 100) && now() < start.begun + hang) {
    read_events(&start);
  }
  long long sent = now();
  kill(start.id, SIGTERM);
  if (ends_until(&start, sent + hang)) {
    result = judge(&start, SIGTERM, sent, false);
  } else {
    kill(start.id, SIGKILL);
    kill_left();
  }
  close(start.process);
  close(start.events);
  return result;
}

static struct result stop_start_patiently(int number, long long moment) {
  struct result result = {slow, 0, 0};
  if (test.is_nohup) return hang_up(moment);
  for (int i = 0; i < attempts && (result.outcome == slow || result.outcome == lost); i++) {
    result = stop_start(number, moment);
  }
  return result;
}

// If a start waits, half of the moments lie in that wait.
static long long draw_moment(long long length, bool ends_in_nginx) {
  const double part = erand48(test.seed);
  if (ends_in_nginx) return (long long)(1.25 * part * (double)length);
  return (long long)((test.ignores ? 1.2 + part : 2 * part) * (double)length);
}

static int stop_starts(void) {
  int counts[outcomes] = {0}, violations = 0;
  long long slowest = 0;
  bool ends_in_nginx;
  const long long length = measure(&ends_in_nginx);
  for (int i = 0; i < test.count; i++) {
    const int number = stop_signals[nrand48(test.seed) % 4];
    const long long moment = draw_moment(length, ends_in_nginx);
    struct result result = stop_start_patiently(number, moment);
    counts[result.outcome]++;
    if (result.outcome == fine && result.took > slowest) slowest = result.took;
    if (result.outcome > late) {
      violations++;
      printf("violation: signal %d after %lld us: %s (status %d, after %lld us)\n", number, moment,
             outcome_names[result.outcome], result.status, result.took);
    }
  }
  printf("starts=%d length=%lld early=%d late=%d slowest=%lld violations=%d\n", test.count, length,
         counts[early], counts[late], slowest, violations);
  return violations > 0;
}

int main(int count, char **arguments) {
  int option;
  while ((option = getopt(count, arguments, "+1u:ihan:s:")) != -1) {
    switch (option) {
      case '1': test.is_first = true; break;
      case 'u': test.uid = atol(optarg); break;
      case 'i': test.ignores = true; break;
      case 'h': test.is_nohup = true; break;
      case 'a': test.is_deaf = true; break;
      case 'n': test.count = atoi(optarg); break;
      case 's': test.seed[0] = (unsigned short)atoi(optarg); break;
      default: return 64;
    }
  }
  if (optind == count) return 64;
  test.command = arguments + optind;
  // Gives our process group a number in this process namespace.
  if (setsid() < 0) fail("setsid");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("PR_SET_CHILD_SUBREAPER");
  return stop_starts();
}
