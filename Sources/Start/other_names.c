// Why C: what musl has by another name, or not in each version, and the objects of the release call.
#ifdef RELEASE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- newer than some musl: the system calls, as glibc has them ----

int close_range(unsigned first, unsigned last, int flags) { return (int)syscall(SYS_close_range, first, last, flags); }

ssize_t getdents64(int descriptor, void *buffer, size_t length) {
  return syscall(SYS_getdents64, descriptor, buffer, length);
}

struct statx;
int statx(int directory, const char *name, int flags, unsigned mask, struct statx *status) {
  return (int)syscall(SYS_statx, directory, name, flags, mask, status);
}

// ---- libcap ----
//
// Debian's and Ubuntu's libcap.a is compiled with glibc's headers. It calls printf(3)'s functions by the names
// that check for overflows, and functions for files by those for large ones. Both libraries have the same types
// for them, those of the kernel.

int __asprintf_chk(char **text, int flag, const char *format, ...) {
  va_list arguments;
  (void)flag;
  va_start(arguments, format);
  const int length = vasprintf(text, format, arguments);
  va_end(arguments);
  return length;
}

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...) {
  va_list arguments;
  (void)flag;
  if (room < size) __builtin_trap();
  va_start(arguments, format);
  const int length = vsnprintf(text, size, format, arguments);
  va_end(arguments);
  return length;
}

int __sprintf_chk(char *text, int flag, size_t room, const char *format, ...) {
  va_list arguments;
  (void)flag;
  va_start(arguments, format);
  const int length = vsnprintf(text, room, format, arguments);
  va_end(arguments);
  if (length >= 0 && (size_t)length >= room) __builtin_trap();
  return length;
}

int fstat64(int descriptor, struct stat *status) { return fstat(descriptor, status); }

// The name since glibc 2.38, whose strtoul(3) knows binary numbers; libcap has none.
unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }

// What cap_set_file(3) and cap_iab_get_pid(3) call. Nothing here calls those two, but they lie in the same files as
// what is called, and are linked.
_Noreturn void open64(void) { __builtin_trap(); }
_Noreturn void fopen64(void) { __builtin_trap(); }
#endif
