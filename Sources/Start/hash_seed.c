// Why C: Embedded Swift seeds its hash tables with arc4random_buf(3), which musl does not have.
#include <stddef.h>
#include <sys/random.h>

// Not abort(3), also elsewhere in this folder: after a fork by the system call alone, musl's would end the parent.
void arc4random_buf(void *buffer, size_t size) {
  // Up to 256 bytes are never cut short by a signal (getrandom(2)); a seed has 16.
  if (size > 256 || getrandom(buffer, size, 0) != (ssize_t)size) __builtin_trap();
}
