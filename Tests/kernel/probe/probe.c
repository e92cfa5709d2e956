// Prints one line: the credentials with which the kernel started this program. It asks the kernel by system
// calls and does not read /proc, so that it is a second witness beside the code under test.
//
//   NAME uid=R/E/S gid=R/E/S groups=N,... permitted=HEX effective=HEX inheritable=HEX ambient=HEX
//        bounding=HEX no_new_privs=N securebits=HEX secure_execution=N dumpable=N
//
// NAME is the last part of argv[0]. It takes no arguments and uses no library but libc.
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_groups = 65536, capabilities = 64 };

static void fail(const char *call) {
  perror(call);
  exit(111);
}

static void print_ids(void) {
  uid_t uid[3];
  gid_t gid[3];
  if (getresuid(&uid[0], &uid[1], &uid[2]) != 0) fail("getresuid");
  if (getresgid(&gid[0], &gid[1], &gid[2]) != 0) fail("getresgid");
  printf(" uid=%u/%u/%u gid=%u/%u/%u", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2]);
}

static void print_groups(void) {
  static gid_t groups[most_groups];
  int count = getgroups(most_groups, groups);
  if (count < 0) fail("getgroups");
  printf(" groups=");
  for (int i = 0; i < count; i++) printf(i == 0 ? "%u" : ",%u", groups[i]);
}

static void print_sets(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) fail("capget");
  printf(" permitted=%08x%08x", data[1].permitted, data[0].permitted);
  printf(" effective=%08x%08x", data[1].effective, data[0].effective);
  printf(" inheritable=%08x%08x", data[1].inheritable, data[0].inheritable);
}

// The kernel reports this set bit by bit. It refuses the first number that it does not know.
static void print_bits(const char *name, int option, unsigned long argument, int is_third) {
  unsigned long long set = 0;
  for (unsigned long bit = 0; bit < capabilities; bit++) {
    int has = is_third ? prctl(option, argument, bit, 0, 0) : prctl(option, bit, 0, 0, 0);
    if (has < 0) break;
    if (has == 1) set |= 1ULL << bit;
  }
  printf(" %s=%016llx", name, set);
}

int main(int argc, char **argv) {
  const char *name = argc > 0 ? argv[0] : "probe";
  const char *slash = strrchr(name, '/');
  printf("%s", slash ? slash + 1 : name);
  print_ids();
  print_groups();
  print_sets();
  print_bits("ambient", PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1);
  print_bits("bounding", PR_CAPBSET_READ, 0, 0);
  printf(" no_new_privs=%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  printf(" securebits=%02x", (unsigned)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  printf(" secure_execution=%d", getauxval(AT_SECURE) != 0);
  printf(" dumpable=%d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  return fflush(stdout) == 0 ? 0 : 111;
}
