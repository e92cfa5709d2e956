// Uses Sources/Start/allocation.c as a program would, at random, and prints what is wrong: for
// Tests/LinuxTests/AllocationTests.swift.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { slots = 500, operations = 20000 };

static struct {
  unsigned char *start;
  size_t length;
  unsigned char content;
} blocks[slots];

static uint64_t state;

// xorshift64* (Vigna).
static uint64_t number(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717u;
}

static void must(int holds, const char *what) {
  if (holds) return;
  printf("%s\n", what);
  exit(1);
}

// Small ones more often than large ones: up to 256 KiB.
static size_t length(void) { return number() >> (46 + number() % 18); }

static void check(int i) {
  for (size_t byte = 0; byte < blocks[i].length; byte++) {
    must(blocks[i].start[byte] == blocks[i].content, "a block has another one's content");
  }
}

static void fill(int i, void *start, size_t length) {
  must(start != NULL, "there is no block");
  must((uintptr_t)start % 16 == 0, "a block does not begin at a multiple of 16");
  blocks[i].start = start;
  blocks[i].length = length;
  blocks[i].content = (unsigned char)number();
  memset(start, blocks[i].content, length);
}

static void zeroed(int i, size_t length) {
  unsigned char *const start = calloc(1, length);
  for (size_t byte = 0; start && byte < length; byte++) must(start[byte] == 0, "calloc did not clear a block");
  fill(i, start, length);
}

static void renew(int i) {
  const size_t wanted = length();
  const size_t kept = wanted < blocks[i].length ? wanted : blocks[i].length;
  unsigned char *const start = realloc(blocks[i].start, wanted);
  for (size_t byte = 0; start && byte < kept; byte++) {
    must(start[byte] == blocks[i].content, "realloc lost what was in a block");
  }
  fill(i, start, wanted);
}

static void use(uint64_t seed) {
  state = seed;
  for (int operation = 0; operation < operations; operation++) {
    const int i = (int)(number() % slots);
    void *aligned;
    if (blocks[i].start) check(i);
    if (blocks[i].start && number() % 8 == 0) {
      renew(i);
      continue;
    }
    free(blocks[i].start);
    blocks[i].start = NULL;
    blocks[i].length = 0;
    const size_t wanted = length();
    switch (number() % 4) {
      case 0: break;
      case 1: zeroed(i, wanted); break;
      case 2:
        must(posix_memalign(&aligned, 16, wanted) == 0, "posix_memalign failed");
        fill(i, aligned, wanted);
        break;
      default: fill(i, malloc(wanted), wanted);
    }
  }
  for (int i = 0; i < slots; i++) {
    check(i);
    free(blocks[i].start);
    memset(&blocks[i], 0, sizeof blocks[i]);
  }
}

// Pages of this process (proc(5), statm).
static long pages(void) {
  long count = 0;
  FILE *const file = fopen("/proc/self/statm", "r");
  must(file && fscanf(file, "%ld", &count) == 1, "/proc/self/statm");
  fclose(file);
  return count;
}

static void fail_in_order(void) {
  void *block = NULL;
  const struct rlimit limit = {64 << 20, 64 << 20};
  must(malloc(SIZE_MAX) == NULL && errno == ENOMEM, "malloc gave more than there is");
  must(malloc(PTRDIFF_MAX) == NULL && errno == ENOMEM, "malloc gave more than there is");
  must(calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM, "calloc gave more than there is");
  must(!aligned_alloc(64, 64) && errno == EINVAL, "a block has an alignment that it cannot have");
  must(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
  for (int i = 0; i < 64 && (block = malloc(1 << 20)); i++) continue;
  must(!block && errno == ENOMEM, "malloc gave more than the limit");
  // What Swift calls: it ends the process, with a message.
  if (fork() == 0) {
    for (;;) must(posix_memalign(&block, 16, 1 << 20) == 0, "posix_memalign failed");
  }
  int status;
  must(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 77, "it goes on without memory");
}

static void free_what_is_none(void) {
  static char text[64] __attribute__((aligned(16)));
  int status;
  memset(text, 'x', sizeof text);
  if (fork() == 0) {
    char *volatile block = text + 32;
    free(block);
    _exit(0);
  }
  must(wait(&status) > 0 && WIFSIGNALED(status), "free took what is no block");
}

int main(void) {
  use(1);
  const long first = pages();
  use(1);
  must(pages() == first, "what was freed is not used again");
  for (uint64_t seed = 2; seed < 8; seed++) use(seed);
  free_what_is_none();
  fail_in_order();
  puts("passed");
}
