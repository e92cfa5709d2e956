// Why C: what musl has by another name, or not in each version, and the objects of the release call.
#ifdef RELEASE
#include <fcntl.h>
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
  if (room < size) abort();
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
  if (length >= 0 && (size_t)length >= room) abort();
  return length;
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open(path, flags, mode);
}

int fstat64(int descriptor, struct stat *status) { return fstat(descriptor, status); }

// Only for cap_iab_get_pid(3), which nothing calls; as it lies in the same file as what is called, it is linked.
FILE *fopen64(const char *path, const char *mode) {
  (void)path;
  (void)mode;
  abort();
}
#endif
