// The floor of a start: it makes the system calls of `entrypoint kong docker-start` as root, in the same
// order, with every decision already made. A start that decides cannot be faster.
//
// It works only in the bench: the ids, paths and capabilities are compiled in, there are no hooks and no
// kong.conf, and the prefix is that of an earlier start (Tests/bench/prefix): it belongs to kong, it has
// the log links, and no socket. Of what it reads it checks only that the drop worked; it does not parse
// nginx's configuration. Any error ends it.
//
// It omits what the Swift runtime does before main (/proc/self/maps, the number of processors,
// getrandom): this is part of our cost, not of the task. Both initialise libcap.
//
// With -DFIRST_START nginx's file carries no capability yet. Otherwise the capability is removed before
// the child runs. The launch writes it in both cases.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

enum { kong_uid = 1337, bench_failed = 70, stops = 4, entries_size = 32 * 1024 };

static char proxy[] = "/usr/local/openresty/nginx/sbin/nginx";
static char prefix[] = "/usr/local/kong";
static const cap_value_t granted = CAP_NET_BIND_SERVICE;
static const int stop_signals[stops] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
static const char message[] = "floor: info: nginx runs as kong with cap_net_bind_service\n";

static const char *const configuration[] = {
    "/usr/local/kong/nginx.conf",
    "/usr/local/kong/nginx-inject.conf",
    "/usr/local/kong/nginx-kong.conf",
    "/usr/local/kong/nginx-kong-inject.conf",
    "/usr/local/kong/nginx-kong-gui-include.conf",
    "/usr/local/kong/nginx-kong-stream.conf",
    0,
};
static const char *const logs[] = {"access.log", "admin_access.log", "error.log", 0};

static char text[64 * 1024];
static unsigned long long bounding;

static void must(int done, const char *what) {
  if (done) return;
  perror(what);
  _exit(bench_failed);
}

// Reads a file to its end, into `text`.
static void read_all(const char *path) {
  size_t length = 0;
  ssize_t count;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  must(fd >= 0, path);
  do {
    count = read(fd, text + length, sizeof text - 1 - length);
    must(count >= 0, path);
    length += (size_t)count;
  } while (count > 0);
  text[length] = 0;
  close(fd);
}

static void read_credentials(void) {
  const char *field;
  read_all("/proc/thread-self/status");
  field = strstr(text, "\nCapBnd:\t");
  must(field && cap_get_secbits() != (unsigned)-1, "credentials");
  bounding = strtoull(field + strlen("\nCapBnd:\t"), 0, 16);
}

// What the file of a program shows: type and mode, capabilities, the mount's options.
static int inspect(const char *path) {
  struct stat status;
  struct statvfs mount;
  char start[4096];
  if (stat(path, &status) != 0) return 0;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  must(fd >= 0, path);
  must(pread(fd, start, sizeof start, 0) > 0, path);
  cap_t capabilities = cap_get_fd(fd);
  if (capabilities) cap_free(capabilities);
  must(fstatvfs(fd, &mount) == 0, path);
  close(fd);
  return 1;
}

// Writes the command's path to `found`, which is large enough for any path.
static void search_path(const char *name, char *found) {
  const char *directory = getenv("PATH");
  while (directory && *directory) {
    int length = (int)strcspn(directory, ":");
    snprintf(found, FILENAME_MAX, "%.*s/%s", length, directory, name);
    if (inspect(found)) return;
    directory += length + (directory[length] == ':');
  }
  must(0, name);
}

// Examines each directory above a file, and the file; no link is among them.
static void inspect_way(char *path) {
  struct stat status;
  must(lstat("/", &status) == 0, "/");
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    must(lstat(path, &status) == 0, path);
    *slash = '/';
  }
  must(lstat(path, &status) == 0, path);
}

static void inspect_streams(void) {
  struct stat status;
  struct termios terminal;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    must(fstat(fd, &status) == 0, "fstat");
    if (S_ISCHR(status.st_mode)) ioctl(fd, TCGETS, &terminal);
  }
}

static void ask_for_owner(void) {
  const int space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int owner = ioctl(space, NS_GET_USERNS);
  must(space >= 0 && owner >= 0, "NS_GET_USERNS");
  close(owner);
  close(space);
}

static void look_at_proxy(void) {
  inspect_way(proxy);
  must(inspect(proxy), proxy);
  inspect_streams();
}

// ---- as the user, for files ----

static void act_as(uid_t uid, size_t count, const gid_t *groups) {
  must(setgroups(count, groups) == 0, "setgroups");
  setfsgid(0);
  setfsuid(uid);
  must(setfsuid((uid_t)-1) == (int)uid && setfsgid((gid_t)-1) == 0, "setfsuid");
}

static cap_t all_capabilities;

static void act_as_kong(void) {
  const gid_t groups[] = {0};
  if (!all_capabilities) all_capabilities = cap_get_proc();
  act_as(kong_uid, 1, groups);
  cap_t state = cap_dup(all_capabilities);
  must(cap_clear_flag(state, CAP_EFFECTIVE) == 0 && cap_set_proc(state) == 0, "cap_set_proc");
  cap_free(state);
}

static void act_as_root(void) {
  must(cap_set_proc(all_capabilities) == 0, "cap_set_proc");
  act_as(0, 0, 0);
}

static void must_be_absent(const char *path, int flags) {
  must(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags) < 0, path);
}

static void must_be_accessible(const char *path, int mode) {
  must(faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0, path);
}

static void must_not_be_there(const char *path, int mode) {
  must(faccessat(AT_FDCWD, path, mode, AT_EACCESS) != 0, path);
}

// What `kong prepare` must be able to use, and what an earlier start left.
static void look_at_prefix(void) {
  struct stat status;
  must_be_accessible("/tmp", W_OK | X_OK);
  must_be_accessible(prefix, W_OK | X_OK);
  must(stat("/usr/local/kong/ssl/ffdhe2048.pem", &status) != 0, "ffdhe2048.pem");
  must_be_accessible("/usr/local/kong/.kong_env", R_OK);
  must_be_accessible("/usr/local/kong/ssl", F_OK);
  must_not_be_there("/usr/local/kong/.ca_combined", W_OK);
  must_be_accessible("/usr/local/kong/nginx.conf", W_OK);
  must_be_accessible("/usr/local/kong/nginx-kong.conf", W_OK);
  must_be_accessible("/usr/local/kong/nginx-kong-stream.conf", W_OK);
}

static void look_for_settings(const char *kong) {
  must_be_absent("/docker-entrypoint.d", O_DIRECTORY);
  act_as_kong();
  must(faccessat(AT_FDCWD, kong, X_OK, AT_EACCESS) == 0, kong);
  must(faccessat(AT_FDCWD, proxy, X_OK, AT_EACCESS) == 0, proxy);
  look_at_prefix();
  must_be_absent("/etc/kong/kong.conf", 0);
  must_be_absent("/etc/kong.conf", 0);
  act_as_root();
}

static void read_configuration(void) {
  struct stat status;
  act_as_kong();
  for (const char *const *path = configuration; *path; path++) {
    const int fd = open(*path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &status) == 0, *path);
    must((size_t)status.st_size <= sizeof text, *path);
    must(read(fd, text, (size_t)status.st_size) == status.st_size, *path);
    close(fd);
  }
  act_as_root();
}

// ---- the prefix ----

static int open_directory(int parent, const char *name, int access) {
  const int fd = openat(parent, name, access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  must(fd >= 0, name);
  return fd;
}

static void must_be_kongs(int directory, const char *name, int flags) {
  struct stat status;
  must(fstatat(directory, name, &status, flags) == 0, name);
  must(status.st_uid == kong_uid && status.st_gid == 0, name);
}

// Calls `visit` for each entry except "." and "..", and closes the directory.
static void for_each_entry(int directory, void (*visit)(int directory, const struct dirent64 *)) {
  char entries[entries_size] __attribute__((aligned(8)));
  ssize_t count;
  while ((count = getdents64(directory, entries, sizeof entries)) > 0) {
    for (ssize_t offset = 0; offset < count;) {
      const struct dirent64 *entry = (const void *)(entries + offset);
      if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) visit(directory, entry);
      offset += entry->d_reclen;
    }
  }
  must(count == 0, "getdents64");
}

// Examines each directory after its contents.
static void examine(int directory, const struct dirent64 *entry) {
  if (entry->d_type != DT_DIR) {
    must_be_kongs(directory, entry->d_name, AT_SYMLINK_NOFOLLOW);
    return;
  }
  const int fd = open_directory(directory, entry->d_name, O_RDONLY);
  for_each_entry(fd, examine);
  must_be_kongs(fd, "", AT_EMPTY_PATH);
  close(fd);
}

static void walk_prefix(void) {
  static const char *const names[] = {"usr", "local", "kong", 0};
  const struct dirent64 itself = {.d_type = DT_DIR, .d_name = "."};
  int directory = open_directory(AT_FDCWD, "/", O_PATH);
  for (const char *const *name = names; *name; name++) {
    const int next = open_directory(directory, *name, O_PATH);
    close(directory);
    directory = next;
  }
  examine(directory, &itself);
  close(directory);
}

static void must_not_be_socket(int directory, const struct dirent64 *entry) {
  (void)directory;
  must(entry->d_type != DT_SOCK, entry->d_name);
}

static void look_for_sockets(const char *path) {
  const int directory = open_directory(AT_FDCWD, path, O_RDONLY);
  for_each_entry(directory, must_not_be_socket);
  close(directory);
}

static void look_for_pid_file(void) {
  const int directory = open_directory(AT_FDCWD, "/usr/local/kong/pids", O_PATH);
  must(openat(directory, "nginx.pid", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) < 0, "nginx.pid");
  close(directory);
}

static void look_at_links(void) {
  const int directory = open_directory(AT_FDCWD, "/usr/local/kong/logs", O_PATH);
  for (const char *const *name = logs; *name; name++) {
    must(readlinkat(directory, *name, text, PATH_MAX) > 0, *name);
  }
  close(directory);
}

// ---- the start ----

// Reads again what may have changed while `kong prepare` ran.
static void read_again(void) {
  read_credentials();
  read_all("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  ask_for_owner();
  look_at_proxy();
  read_configuration();
}

static void read_snapshot(char *kong) {
  read_credentials();
  read_all("/etc/passwd");
  read_all("/etc/group");
  read_all("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  ask_for_owner();
  must(readlink("/proc/self/exe", text, PATH_MAX) > 0, "/proc/self/exe");
  search_path("kong", kong);
  look_at_proxy();
  look_for_settings(kong);
}

static void drop_bounding(unsigned long long set) {
  for (cap_value_t capability = 0; capability < 64; capability++) {
    if (set >> capability & 1) must(cap_drop_bound(capability) == 0, "cap_drop_bound");
  }
}

// The gid is 0 before and after, so there is no setgid, neither here nor in the plan.
static void become_kong(void) {
  const gid_t groups[] = {0};
  must(setgroups(1, groups) == 0, "setgroups");
  must(setuid(kong_uid) == 0, "setuid");
  must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
}

static void set_permitted(int inheritable) {
  cap_t state = cap_init();
  must(cap_set_flag(state, CAP_PERMITTED, 1, &granted, CAP_SET) == 0, "cap_set_flag");
  if (inheritable) {
    must(cap_set_flag(state, CAP_INHERITABLE, 1, &granted, CAP_SET) == 0, "cap_set_flag");
  }
  must(cap_set_proc(state) == 0, "cap_set_proc");
  cap_free(state);
}

static void verify(const char *permitted) {
  read_credentials();
  must(strstr(text, "\nUid:\t1337\t1337\t1337\t1337\n") && strstr(text, permitted), "verify");
}

// A null pointer removes all capabilities.
static void set_file_capabilities(cap_t state) {
  struct stat status;
  int fd = open(proxy, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  must(fd >= 0 && fstat(fd, &status) == 0, proxy);
  must(cap_set_fd(fd, state) == 0, "cap_set_fd");
  close(fd);
}

static void write_file_capability(void) {
  cap_t state = cap_init();
  must(cap_set_flag(state, CAP_PERMITTED, 1, &granted, CAP_SET) == 0, "cap_set_flag");
  must(cap_set_flag(state, CAP_EFFECTIVE, 1, &granted, CAP_SET) == 0, "cap_set_flag");
  set_file_capabilities(state);
  cap_free(state);
}

static void end_process(int number) { _exit(128 + number); }

static void set_signals(void) {
  struct sigaction wanted = {.sa_handler = end_process}, before;
  sigset_t original;
  for (int i = 0; i < stops; i++) sigaddset(&wanted.sa_mask, stop_signals[i]);
  sigprocmask(SIG_BLOCK, &wanted.sa_mask, &original);
  for (int i = 0; i < stops; i++) {
    sigaction(stop_signals[i], &wanted, &before);
    if (before.sa_handler == SIG_IGN) sigaction(stop_signals[i], &before, 0);
  }
  sigprocmask(SIG_SETMASK, &original, 0);
}

// The caller's environment with two variables replaced, as programs get it.
static char **changed_environment(void) {
  static char home[] = "HOME=/usr/local/kong", daemon[] = "KONG_NGINX_DAEMON=off";
  size_t count = 0, kept = 0;
  char **changed;
  while (environ[count]) count++;
  must((changed = malloc((count + 3) * sizeof *changed)) != 0, "malloc");
  for (size_t i = 0; i < count; i++) {
    if (strncmp(environ[i], "HOME=", 5) && strncmp(environ[i], "KONG_NGINX_DAEMON=", 18))
      changed[kept++] = environ[i];
  }
  changed[kept++] = home;
  changed[kept++] = daemon;
  changed[kept] = 0;
  return changed;
}

static void prepare(char *kong, const sigset_t *original, pid_t parent) {
  char *arguments[] = {"kong", "prepare", "-p", prefix, 0};
  setpgid(0, 0);
  signal(SIGTTIN, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);
  sigprocmask(SIG_SETMASK, original, 0);
  drop_bounding(bounding & ~(1ULL << granted));
  must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keep_caps");
  become_kong();
  set_permitted(1);
  must(cap_set_ambient(granted, CAP_SET) == 0, "cap_set_ambient");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, "pdeathsig");
  must(getppid() == parent, "getppid");
  verify("\nCapPrm:\t0000000000000400\n");
  must(close_range(3, ~0U, 0) == 0, "close_range");
  look_for_pid_file();
  execve(kong, arguments, changed_environment());
  must(0, kong);
}

static void run_prepare(char *kong) {
  const struct timespec now = {0, 0};
  sigset_t mask, original;
  siginfo_t info;
  int status;
  pid_t child;
  struct sigaction action;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  for (int i = 0; i < stops; i++) {
    sigaction(stop_signals[i], 0, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&mask, stop_signals[i]);
  }
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_BLOCK, &mask, &original);
  char *page = mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(page != MAP_FAILED, "mmap");
  const pid_t parent = getpid();
  must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "subreaper");
  must(waitpid(-1, 0, WNOHANG) == -1, "a child from before");
  child = fork();
  if (child == 0) prepare(kong, &original, parent);  // does not return
  must(child > 0, "fork");
  setpgid(child, child);
  while (waitpid(child, &status, WNOHANG) != child) sigwaitinfo(&mask, &info);
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "kong prepare");
  must(waitpid(-1, 0, WNOHANG) == -1, "left running");
  must(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0, "subreaper");
  while (sigtimedwait(&mask, &info, &now) > 0) must(info.si_signo == SIGCHLD, "stop signal");
  sigprocmask(SIG_SETMASK, &original, 0);
  must(*page == 0, "kong prepare");
  munmap(page, 1);
}

static void launch(void) {
  char *arguments[] = {proxy, "-p", prefix, "-c", "nginx.conf", 0};
  must(write(STDERR_FILENO, message, sizeof message - 1) > 0, "write");
  must(fchown(STDOUT_FILENO, kong_uid, (gid_t)-1) == 0, "fchown");
  write_file_capability();
  drop_bounding(bounding & ~(1ULL << granted));
  must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keep_caps");
  become_kong();
  set_permitted(0);
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  verify("\nCapPrm:\t0000000000000400\n");
  look_for_sockets("/usr/local/kong/.");
  look_for_sockets("/usr/local/kong/sockets");
  look_at_links();
  must(close_range(3, ~0U, 0) == 0, "close_range");
  execve(proxy, arguments, changed_environment());
  must(0, proxy);
}

int main(void) {
  char kong[FILENAME_MAX];
  set_signals();
  must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
  read_snapshot(kong);
  walk_prefix();
#ifndef FIRST_START
  set_file_capabilities(0);
#endif
  run_prepare(kong);
  read_again();
  launch();
}
