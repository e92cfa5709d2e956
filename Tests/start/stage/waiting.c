// `kong prepare` and nginx for starts that are stopped. What it does depends on its name and, as
// kong, on the variable PREPARE:
//
//   quick       ends at once with 0; so does nohup
//   sleep       waits for ever; signals act as on any process; so does ignored
//   ignore      waits for ever, and ignores TERM, INT, QUIT and HUP
//   trap        ends with 0, a while after one of these
//   background  like sleep, and so does a process that it has started; so is no-kill
//   deaf        like background, but that process ignores TERM, INT, QUIT and HUP
//   leave       leaves a process in the background, and ends with 0
//   move        like sleep, in the process group of the start, with a process left in its own
//
// hook-quick, hook-sleep, hook-trap and hook-ignore do the same in a hook; kong then ends at once.
//
// As nginx it waits for one of these signals that is not ignored, and ends with 128 + signal.
//
// It writes events to standard input, if it can: 'p' the prepare waits, 'e' it is about to end, 'n' nginx
// runs; each with the time.
#include "event.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
enum { stops = sizeof stop_signals / sizeof *stop_signals };

static sigset_t stop_set(void) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < stops; i++) {
    struct sigaction action;
    if (sigaction(stop_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&set, stop_signals[i]);
    }
  }
  return set;
}

static void tell(char kind) {
  struct event event = {.kind = kind};
  clock_gettime(CLOCK_MONOTONIC, &event.time);
  if (write(event_descriptor, &event, sizeof event) < 0 && errno != EBADF && errno != EPIPE) _exit(111);
}

static void wait_for_ever(void) {
  for (;;) pause();
}

static void ignore_stops(void) {
  for (int i = 0; i < stops; i++) signal(stop_signals[i], SIG_IGN);
}

static pid_t leave_process(bool is_deaf) {
  pid_t id = fork();
  if (id < 0) _exit(112);
  if (id == 0 && is_deaf) ignore_stops();
  if (id == 0) wait_for_ever();
  return id;
}

static void run_nginx(void) {
  sigset_t set = stop_set();
  int number;
  sigprocmask(SIG_BLOCK, &set, NULL);
  tell('n');
  sigwait(&set, &number);
  _exit(128 + number);
}

static void trap(void) {
  const struct timespec a_while = {0, 20 * 1000 * 1000};
  sigset_t set = stop_set();
  int number;
  sigprocmask(SIG_BLOCK, &set, NULL);
  tell('p');
  sigwait(&set, &number);
  nanosleep(&a_while, NULL);
  tell('e');
}

static void prepare(const char *how) {
  if (strcmp(how, "quick") == 0 || strcmp(how, "nohup") == 0) return;
  if (strcmp(how, "trap") == 0) {
    trap();
    return;
  }
  if (strcmp(how, "ignore") == 0) ignore_stops();
  if (strcmp(how, "sleep") != 0 && strcmp(how, "ignore") != 0) leave_process(strcmp(how, "deaf") == 0);
  if (strcmp(how, "leave") == 0) return;
  if (strcmp(how, "move") == 0 && setpgid(0, getpgid(getppid())) != 0) _exit(113);
  tell('p');
  wait_for_ever();
}

int main(int count, char **arguments) {
  const char *name = count > 0 ? arguments[0] : "";
  const char *slash = strrchr(name, '/');
  const char *how = getenv("PREPARE");
  const bool is_hook = strstr(name, "docker-entrypoint.d/") != NULL;
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(slash ? slash + 1 : name, "nginx") == 0) run_nginx();
  if (!how) how = "quick";
  if (strcmp(how, "ignored") == 0) how = "sleep";
  if (strncmp(how, "hook-", 5) == 0) how = is_hook ? how + 5 : "quick";
  prepare(how);
  return 0;
}
