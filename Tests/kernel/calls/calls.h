// What the lab uses of glibc. Swift's own Glibc module does not exist in Embedded mode, and lacks the functions
// at the end.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x00020000
#endif

int pipe2(int descriptors[2], int flags);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int unshare(int flags);

// A macro, and a function with variable arguments.
static inline int lab_errno(void) { return errno; }
static inline int lab_open(const char *path, int flags, unsigned mode) {
  return open(path, flags, mode);
}
