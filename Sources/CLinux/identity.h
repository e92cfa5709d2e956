// Who a process is: in glibc for _GNU_SOURCE only, which Swift's Glibc module is made without.
#pragma once

#include <sys/types.h>

int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
