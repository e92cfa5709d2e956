// Why C: Embedded Swift takes all its memory from posix_memalign(3) and free(3), a thousand times in a start.
// musl's allocator maps a page at a time and gives it back, which costs a start 30 system calls and as many
// page faults.
//
// This one never gives memory back to the kernel: what is freed is kept for the next block of its size. A start
// ends in an exec after milliseconds, and a supervisor that waits allocates nothing new. It has no lock, because
// there is one thread.
//
// A library's allocator is replaced as a whole, or not at all, so the rest of malloc(3)'s functions are here, too.
#ifdef RELEASE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  unit = 16,            // bytes: every block begins at a multiple of it
  steps = 4,            // sizes of blocks between a power of two and the next
  sizes = 42 * steps,   // the last one has 2^43 units
  piece = 64 * 1024,    // what is taken from the kernel at once, at least
  page = 4096,          // what that is a multiple of; larger pages only waste some of it
  not_permitted = 77,   // the exit status of a refused system call
};

static const size_t largest = (size_t)1 << 46;  // bytes: half of the addresses that there are

// What stands before each block: which size it has.
typedef size_t header;

// What was freed, by size: each block begins with the address of the next one.
static void *freed[sizes];

// What is left of the last piece. Blocks begin at multiples of `unit`, so headers do not.
static char *next, *end;

// The smallest size that has so many units: 1, 2, 3, 4; 5, 6, 7, 8; 10, 12, 14, 16; 20 ...
static size_t size_of(size_t units) {
  if (units <= steps) return units - 1;
  const int shift = 61 - __builtin_clzl(units - 1);
  return (size_t)shift * steps + ((units - 1) >> shift);
}

static size_t units_of(size_t size) {
  if (size < steps) return size + 1;
  return (size % steps + steps + 1) << (size / steps - 1);
}

// Takes a piece that has room for so many bytes: 0 where the kernel has none.
static int take_piece(size_t bytes) {
  const size_t wanted = bytes + unit;
  const size_t length = wanted <= piece ? piece : (wanted + page - 1) & -(size_t)page;
  char *memory = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  next = memory + unit - sizeof(header);
  end = memory + length;
  return 1;
}

static void *allocate(size_t bytes) {
  if (bytes > largest) {
    errno = ENOMEM;
    return NULL;
  }
  const size_t size = size_of((bytes + sizeof(header) + unit - 1) / unit);
  void **const block = freed[size];
  if (block) {
    freed[size] = *block;
    return block;
  }
  const size_t whole = units_of(size) * unit;
  if ((size_t)(end - next) < whole && !take_piece(whole)) {
    errno = ENOMEM;
    return NULL;
  }
  *(header *)(void *)next = size;
  void *const fresh = next + sizeof(header);
  next += whole;
  return fresh;
}

void *malloc(size_t bytes) { return allocate(bytes); }

static size_t size_of_block(const void *block) {
  const size_t size = ((const header *)block)[-1];
  if (size >= sizes) __builtin_trap();  // not from here, or written over
  return size;
}

void free(void *block) {
  if (!block) return;
  const size_t size = size_of_block(block);
  *(void **)block = freed[size];
  freed[size] = block;
}

// Compilers make calloc of malloc and memset, which would be endless here.
void *calloc(size_t count, size_t each) {
  size_t bytes;
  if (__builtin_mul_overflow(count, each, &bytes)) bytes = SIZE_MAX;
  void *const block = allocate(bytes);
  return block ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *block, size_t bytes) {
  if (!block) return malloc(bytes);
  const size_t room = units_of(size_of_block(block)) * unit - sizeof(header);
  if (bytes <= room) return block;
  void *const larger = malloc(bytes);
  if (!larger) return NULL;
  memcpy(larger, block, room);
  free(block);
  return larger;
}

// Nothing of Swift's or of libcap's needs more than a multiple of `unit`.
void *aligned_alloc(size_t alignment, size_t bytes) {
  if (alignment > unit) {
    errno = EINVAL;
    return NULL;
  }
  return malloc(bytes);
}

// Swift takes no failure for an answer: it would end with an illegal instruction, and say nothing.
int posix_memalign(void **block, size_t alignment, size_t bytes) {
  static const char message[] =
      "entrypoint: error: mmap failed\n"
      "entrypoint: error:   why: the kernel gives this process no more memory (Cannot allocate memory)\n"
      "entrypoint: error:   way out: raise the memory limit of the container, or the user's (ulimit -v)\n";
  *block = aligned_alloc(alignment, bytes);
  if (*block) return 0;
  if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(not_permitted);
  _exit(not_permitted);
}
#endif
