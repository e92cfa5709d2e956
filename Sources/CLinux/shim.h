// The C interfaces that Swift's Glibc module does not export. Declarations only.
#pragma once

#include <grp.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <linux/stat.h>
#include <pwd.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

// In glibc for _GNU_SOURCE only, which Swift's Glibc module is made without.
int close_range(unsigned first, unsigned last, int flags);
ssize_t getdents64(int descriptor, void *buffer, size_t length);
const char *sigabbrev_np(int number);
int statx(int directory, const char *name, int flags, unsigned mask, struct statx *status);
int sched_getaffinity(int process, size_t size, void *set);
