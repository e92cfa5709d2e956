// What waiting.c tells signal.c.
#pragma once

#include <time.h>

enum { event_descriptor = 9 };

struct event {
  char kind;
  struct timespec time;  // CLOCK_MONOTONIC
};
