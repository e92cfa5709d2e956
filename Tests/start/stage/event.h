// What waiting.c reports to signal.c.
#pragma once

#include <time.h>

// Standard input: entrypoint closes all descriptors above 2.
enum { event_descriptor = 0 };

struct event {
  char kind;
  struct timespec time;  // CLOCK_MONOTONIC
};
