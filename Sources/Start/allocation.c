// Embedded Swift takes all its memory from posix_memalign(3). glibc's goes a long way round to what malloc(3)
// gives in any case: a thousand times in a start.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = alignment <= _Alignof(max_align_t) ? malloc(size) : aligned_alloc(alignment, size);
  return *memory ? 0 : ENOMEM;
}
