// The C interfaces that Sources/Linux/Call uses: headers of the C library, the kernel and libcap, and what Swift
// cannot import from them. The C library is musl in a release, and glibc in the tests. Swift's own modules of
// either do not exist in Embedded mode.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/prctl.h>
#include <linux/stat.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Declared for _GNU_SOURCE only. That is not defined here: it changes other declarations, and tests import
// Swift's Glibc module, too, which is made without it.
int accept4(int listener, struct sockaddr *address, socklen_t *size, int flags);
int close_range(unsigned first, unsigned last, int flags);
ssize_t getdents64(int descriptor, void *buffer, size_t length);
int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
int pipe2(int *ends, int flags);
int sched_getaffinity(int process, size_t size, void *set);
int statx(int directory, const char *name, int flags, unsigned mask, struct statx *status);
long syscall(long number, ...);

// Macros that Swift cannot import, and constants for _GNU_SOURCE only.
static const int linux_at_empty_path = 0x1000;
static const int linux_o_path = 010000000;
static const unsigned long linux_st_noexec = 8;
static const int linux_clock_realtime_coarse = 5;
static inline int linux_errno(void) { return errno; }
static inline void linux_clear_errno(void) { errno = 0; }

// Functions with variable arguments.
static inline int linux_openat(int directory, const char *name, int flags) {
  return openat(directory, name, flags);
}
static inline int linux_duplicate(int descriptor, int least) { return fcntl(descriptor, F_DUPFD_CLOEXEC, least); }

// Where the kernel does not have it, both libraries ask for the real user instead, which is another question.
static inline int linux_faccessat2(int directory, const char *name, int mode, int flags) {
  return (int)syscall(SYS_faccessat2, directory, name, mode, flags);
}

// NS_GET_USERNS of linux/nsfs.h (ioctl_nsfs(2)).
static inline int linux_owner_of_namespace(int descriptor) { return ioctl(descriptor, 0xb701, 0); }

// Glibc's types for the first argument depend on _GNU_SOURCE.
static inline int linux_getrlimit(int resource, struct rlimit *limit) {
  return getrlimit(resource, limit);
}
static inline int linux_setrlimit(int resource, const struct rlimit *limit) {
  return setrlimit(resource, limit);
}
static const int linux_rlimit_core = RLIMIT_CORE, linux_rlimit_cpu = RLIMIT_CPU,
                 linux_rlimit_data = RLIMIT_DATA, linux_rlimit_fsize = RLIMIT_FSIZE,
                 linux_rlimit_nofile = RLIMIT_NOFILE;

// Enumerations of glibc's, which Swift imports as types of their own.
static const int linux_sock_stream = SOCK_STREAM | SOCK_CLOEXEC;
static const int linux_sock_datagram = SOCK_DGRAM | SOCK_CLOEXEC;
static const int linux_sock_nonblocking = SOCK_NONBLOCK;
static const int linux_ipproto_ipv6 = IPPROTO_IPV6;
static const unsigned linux_iff_up = IFF_UP, linux_iff_loopback = IFF_LOOPBACK;
static inline int linux_accept(int listener) {
  return accept4(listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
static const int linux_msg_nosignal = MSG_NOSIGNAL;

// Casts.
static inline void *linux_map_shared_page(void) {
  void *page = mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? 0 : page;
}
static inline void linux_ignore_signal(int number) { signal(number, SIG_IGN); }

// glibc changes the ids of all threads, and the tests have several. A release has one thread, and calls the kernel:
// musl's functions block all signals meanwhile, and set a random mask afterwards if that was refused.
#ifdef __GLIBC__
static inline int linux_fork(void) { return fork(); }
static inline int linux_setgroups(size_t count, const gid_t *groups) { return setgroups(count, groups); }
static inline int linux_setgid(gid_t gid) { return setgid(gid); }
static inline int linux_setuid(uid_t uid) { return setuid(uid); }
static inline int linux_setegid(gid_t gid) { return setegid(gid); }
static inline int linux_seteuid(uid_t uid) { return seteuid(uid); }
#else
static inline int linux_fork(void) { return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static inline int linux_setgroups(size_t count, const gid_t *groups) {
  return (int)syscall(SYS_setgroups, count, groups);
}
static inline int linux_setgid(gid_t gid) { return (int)syscall(SYS_setgid, gid); }
static inline int linux_setuid(uid_t uid) { return (int)syscall(SYS_setuid, uid); }
static inline int linux_setegid(gid_t gid) { return (int)syscall(SYS_setresgid, -1, gid, -1); }
static inline int linux_seteuid(uid_t uid) { return (int)syscall(SYS_setresuid, -1, uid, -1); }
#endif

// Signals as the kernel has them: a set is 64 bits, and an action begins with its handler.
static inline int linux_change_mask(int how, const uint64_t *set, uint64_t *before) {
  return (int)syscall(SYS_rt_sigprocmask, how, set, before, sizeof *set);
}
static inline int linux_wait_for_signal(const uint64_t *set, const struct timespec *time) {
  return (int)syscall(SYS_rt_sigtimedwait, set, 0, time, sizeof *set);
}
static inline int linux_signal_descriptor(const uint64_t *set) {
  return (int)syscall(SYS_signalfd4, -1, set, sizeof *set, SFD_CLOEXEC);
}
static inline int linux_is_ignored(int number) {
  uint64_t action[4];
  return syscall(SYS_rt_sigaction, number, 0, action, sizeof(uint64_t)) == 0 && action[0] == (uintptr_t)SIG_IGN;
}
