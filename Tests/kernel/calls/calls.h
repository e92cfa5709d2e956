// Declarations of Linux-specific glibc functions that Swift's Glibc module lacks.
#pragma once

#include <sched.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x00020000
#endif

int pipe2(int descriptors[2], int flags);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int unshare(int flags);
