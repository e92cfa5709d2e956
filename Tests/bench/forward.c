// How long a signal takes through a supervisor to its command: the median, in nanoseconds.
//
//   forward COUNT SUPERVISOR [OPTION ...] --      starts it with this program as its command
//
// Each signal is sent when the one before has arrived. The command writes the time of each into a pipe.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 100000 };

static long long nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void tell(int descriptor) {
  const long long now = nanoseconds();
  if (write(descriptor, &now, sizeof now) != sizeof now) exit(1);
}

static void be_command(int descriptor) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  tell(descriptor);
  for (;;) {
    const int number = sigwaitinfo(&all, NULL);
    if (number == SIGTERM) exit(0);
    if (number > 0) tell(descriptor);
  }
}

static int compare(const void *one, const void *other) {
  const long long left = *(const long long *)one, right = *(const long long *)other;
  return (left > right) - (left < right);
}

int main(int count, char **arguments) {
  static long long taken[most];
  char number[16], *command[64];
  int ends[2], words = 0, signals = count > 2 ? atoi(arguments[1]) : 0;
  long long arrived;
  if (count == 3 && strcmp(arguments[1], "command") == 0) be_command(atoi(arguments[2]));
  if (signals < 1 || signals > most || count > 50) {
    fprintf(stderr, "usage: forward COUNT SUPERVISOR [OPTION ...] --\n");
    return 64;
  }
  if (pipe(ends) != 0) fail("pipe");
  for (int i = 2; i < count; i++) command[words++] = arguments[i];
  snprintf(number, sizeof number, "%d", ends[1]);
  command[words++] = arguments[0];
  command[words++] = "command";
  command[words++] = number;
  command[words] = NULL;
  const pid_t supervisor = fork();
  if (supervisor == 0) {
    close(ends[0]);
    execvp(command[0], command);
    fail(command[0]);
  }
  close(ends[1]);
  for (int i = -1; i < signals; i++) {
    const long long sent = nanoseconds();
    if (i >= 0) kill(supervisor, SIGUSR1);
    if (read(ends[0], &arrived, sizeof arrived) != sizeof arrived) fail("read");
    if (i >= 0) taken[i] = arrived - sent;
  }
  kill(supervisor, SIGTERM);
  waitpid(supervisor, NULL, 0);
  qsort(taken, (size_t)signals, sizeof *taken, compare);
  printf("%lld\n", taken[signals / 2]);
}
