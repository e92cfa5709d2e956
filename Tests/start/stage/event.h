// What waiting.c tells signal.c.
#pragma once

#include <time.h>

// Standard input: of the others entrypoint leaves none open above 2.
enum { event_descriptor = 0 };

struct event {
  char kind;
  struct timespec time;  // CLOCK_MONOTONIC
};
