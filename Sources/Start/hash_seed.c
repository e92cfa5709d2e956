// Why C: Embedded Swift seeds its hash tables with arc4random_buf(3), which musl does not have.
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

enum { of_kernel = 16 };  // bytes at AT_RANDOM (getauxval(3))

// Not abort(3), also elsewhere in this folder: after a fork by the system call alone, musl's would end the parent.
void arc4random_buf(void *buffer, size_t size) {
  // Up to 256 bytes are never cut short by a signal (getrandom(2)); a seed has 16.
  if (size <= 256 && getrandom(buffer, size, 0) == (ssize_t)size) return;
  // A seccomp profile refuses the call, but every process has some random bytes.
  const void *const random = (const void *)getauxval(AT_RANDOM);
  if (!random || size > of_kernel) __builtin_trap();
  memcpy(buffer, random, size);
}
