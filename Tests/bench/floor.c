// The floor of a start: it makes the system calls of `entrypoint kong docker-start` as root, in the same
// order, with every decision already made. A start that decides cannot be faster.
//
// It works only in the bench: the ids, paths and capabilities are compiled in, there are no hooks and no
// kong.conf, and the prefix is that of an earlier start (Tests/bench/prefix): it belongs to kong, it has
// the log links, and no socket. Of what it reads it checks only that the drop worked. Any error ends it.
//
// Like entrypoint, it has nginx's configuration read by a process without privileges, which sends as
// many bytes as the listeners take. That process parses nothing, and nothing takes its message apart.
//
// It omits calls that are part of our cost, not of the task: getrandom(2) for the seeds of hash tables, and
// brk(2) for a larger heap. Both programs initialise libcap.
//
// `floor --user kong -- zero` is the floor of a drop alone.
//
// With -DFIRST_START nginx's file carries no capability yet. Otherwise the capability is removed before
// the child runs. The launch writes it in both cases.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

enum {
  kong_uid = 1337,
  bench_failed = 70,
  stops = 4,
  entries_size = 32 * 1024,
  // What the listeners of the prefix take as a message (Sources/Kong/KongFilesMessage.swift).
  answer_size = 591,
  // How long the reader may take (Sources/Linux/Call/ConfinedProcess.swift).
  answer_milliseconds = 10000,
};

static char proxy[] = "/usr/local/openresty/nginx/sbin/nginx";
static char prefix[] = "/usr/local/kong";
static char defaults[] = "/usr/local/share/lua/5.1/kong/templates/kong_defaults.lua";
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
static unsigned long long permitted, bounding;

static void must(int done, const char *what) {
  if (done) return;
  perror(what);
  _exit(bench_failed);
}

static const int to_read = O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;

// Reads a file of the kernel's to its end, into `text`.
static void read_all(const char *path) {
  size_t length = 0;
  ssize_t count;
  int fd = open(path, to_read);
  must(fd >= 0, path);
  do {
    count = read(fd, text + length, 4096);
    must(count >= 0, path);
    length += (size_t)count;
  } while (count > 0);
  text[length] = 0;
  close(fd);
}

static unsigned long long field(const char *name) {
  const char *found = strstr(text, name);
  must(found != 0, name);
  return strtoull(found + strlen(name), 0, 16);
}

static void read_credentials(void) {
  must(cap_get_secbits() != (unsigned)-1, "securebits");
  read_all("/proc/thread-self/status");
  permitted = field("\nCapPrm:\t");
  bounding = field("\nCapBnd:\t");
}

// Refers to a file without opening it; -1 if there is none.
static int pin(const char *path, int flags, struct stat *status) {
  const int fd = open(path, O_PATH | O_CLOEXEC | flags);
  if (fd >= 0) must(fstat(fd, status) == 0, path);
  return fd;
}

static int open_pinned(int pinned) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", pinned);
  const int fd = open(path, to_read);
  must(fd >= 0, path);
  return fd;
}

// Where others than root may write, the mount counts.
static void inspect_entry(const char *path) {
  struct stat status;
  struct statfs mount;
  must(lstat(path, &status) == 0, path);
  if (status.st_uid != 0) must(statfs(path, &mount) == 0, path);
}

// Examines each directory above a file, and the file; no link is among them.
static void inspect_way(const char *path) {
  char directory[PATH_MAX];
  inspect_entry("/");
  for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    inspect_entry(directory);
  }
  inspect_entry(path);
}

// Reads a file as long as it is.
static void read_bounded(const char *path, void (*judge)(const char *path)) {
  struct stat status;
  const int pinned = pin(path, 0, &status);
  must(pinned >= 0 && (size_t)status.st_size < sizeof text, path);
  if (judge) judge(path);
  const int fd = open_pinned(pinned);
  must(read(fd, text, (size_t)status.st_size) == status.st_size, path);
  close(fd);
  close(pinned);
}

// What the file of a program shows: type and mode, how it begins, capabilities, the mount's options.
static int inspect(const char *path) {
  struct stat status;
  struct statfs mount;
  const int pinned = pin(path, 0, &status);
  if (pinned < 0) return 0;
  const int fd = open_pinned(pinned);
  must(read(fd, text, 4096) > 0, path);
  must(fstatfs(fd, &mount) == 0, path);
  cap_t capabilities = cap_get_fd(fd);
  if (capabilities) cap_free(capabilities);
  close(fd);
  close(pinned);
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

static void inspect_streams(void) {
  struct stat status;
  struct termios terminal;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    must(fstat(fd, &status) == 0, "fstat");
    if (S_ISCHR(status.st_mode)) ioctl(fd, TCGETS, &terminal);
  }
}

static void ask_for_owner(void) {
  const int space = open("/proc/self/ns/net", to_read);
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

// The capabilities of a file or a process.
static cap_t capabilities(unsigned long long permitted, unsigned long long inheritable,
                          unsigned long long effective) {
  cap_t state = cap_init();
  for (cap_value_t number = 0; number < 64; number++) {
    if (permitted >> number & 1) cap_set_flag(state, CAP_PERMITTED, 1, &number, CAP_SET);
    if (inheritable >> number & 1) cap_set_flag(state, CAP_INHERITABLE, 1, &number, CAP_SET);
    if (effective >> number & 1) cap_set_flag(state, CAP_EFFECTIVE, 1, &number, CAP_SET);
  }
  return state;
}

static void set_process(unsigned long long permitted, unsigned long long inheritable,
                        unsigned long long effective) {
  cap_t state = capabilities(permitted, inheritable, effective);
  must(cap_set_proc(state) == 0, "cap_set_proc");
  cap_free(state);
}

static void act_as_kong(void) {
  const gid_t groups[] = {0};
  act_as(kong_uid, 1, groups);
  set_process(permitted, 0, 0);
}

static void act_as_root(void) {
  set_process(permitted, 0, permitted);
  act_as(0, 0, 0);
}

static void must_be_absent(const char *path, int flags) {
  must(open(path, O_CLOEXEC | flags) < 0, path);
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
  must_be_accessible("/usr/local/kong/logs", W_OK | X_OK);
  must_be_accessible("/usr/local/kong/pids", W_OK | X_OK);
  // Where it leads depends on who runs the bench.
  faccessat(AT_FDCWD, "/usr/local/kong/logs/error.log", W_OK, AT_EACCESS);
  must(lstat("/usr/local/kong/logs/error.log", &status) == 0, "error.log");
  must_not_be_there("/usr/local/kong/.ca_combined", W_OK);
  must_be_accessible("/usr/local/kong/nginx.conf", W_OK);
  must_be_accessible("/usr/local/kong/nginx-kong.conf", W_OK);
  must_be_accessible("/usr/local/kong/nginx-kong-stream.conf", W_OK);
}

static void look_for_settings(const char *kong) {
  act_as_kong();
  read_bounded(defaults, inspect_way);
  must(faccessat(AT_FDCWD, kong, X_OK, AT_EACCESS) == 0, kong);
  must(faccessat(AT_FDCWD, proxy, X_OK, AT_EACCESS) == 0, proxy);
  look_at_prefix();
  must_be_absent("/etc/kong/kong.conf", O_PATH);
  must_be_absent("/etc/kong.conf", O_PATH);
  act_as_root();
}

static void read_if_there(const char *path) {
  const int fd = open(path, to_read);
  if (fd < 0) return;
  while (read(fd, text, 64) > 0) continue;
  close(fd);
}

// Only one of the files is there: it depends on the version of the machine's control groups.
static void read_processors(void) {
  cpu_set_t allowed;
  must(get_nprocs() > 0 && sched_getaffinity(0, sizeof allowed, &allowed) == 0, "processors");
  read_all("/proc/self/cgroup");
  read_if_there("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  read_if_there("/sys/fs/cgroup/cpu.max");
}

// What the variables KONG_*_FILE name.
static void read_secrets(void) {
  struct stat status;
  int found = 0;
  for (char **variable = environ; *variable; variable++) {
    const char *value = strchr(*variable, '=');
    if (strncmp(*variable, "KONG_", 5) || !value || value - *variable < 10) continue;
    if (strncmp(value - 5, "_FILE", 5)) continue;
    if (!found++) act_as_kong();
    const int pinned = pin(value + 1, 0, &status);
    must(pinned >= 0, value + 1);
    const int fd = open_pinned(pinned);
    must(read(fd, text, (size_t)status.st_size + 1) == status.st_size, value + 1);
    must(read(fd, text, (size_t)status.st_size + 1) == 0, value + 1);
    close(fd);
    close(pinned);
  }
  if (found) act_as_root();
}

// ---- nginx's configuration, without privileges ----

static void lower(__rlimit_resource_t resource, rlim_t most) {
  struct rlimit limit;
  must(getrlimit(resource, &limit) == 0, "getrlimit");
  limit = (struct rlimit){most, most};
  must(setrlimit(resource, &limit) == 0, "setrlimit");
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
}

static void set_attribute(int option, unsigned long value) {
  must(prctl(option, value, 0, 0, 0) == 0, "prctl");
}

static void end_with(pid_t parent) {
  set_attribute(PR_SET_PDEATHSIG, SIGKILL);
  must(getppid() == parent, "getppid");
}

static void verify(const char *permitted) {
  read_credentials();
  must(strstr(text, "\nUid:\t1337\t1337\t1337\t1337\n") && strstr(text, permitted), "verify");
}

static void send_configuration(int pipe, pid_t parent) {
  drop_bounding(bounding);
  become_kong();
  set_process(0, 0, 0);
  set_attribute(PR_SET_NO_NEW_PRIVS, 1);
  end_with(parent);
  set_attribute(PR_SET_DUMPABLE, 0);
  lower(RLIMIT_CPU, 5);
  lower(RLIMIT_DATA, 512 << 20);
  lower(RLIMIT_FSIZE, 0);
  lower(RLIMIT_CORE, 0);
  verify("\nCapPrm:\t0000000000000000\n");
  for (const char *const *path = configuration; *path; path++) read_bounded(*path, 0);
  must(write(pipe, text, answer_size) == answer_size, "write");
  _exit(0);
}

static void receive(int pipe) {
  struct pollfd event = {.fd = pipe, .events = POLLIN};
  must(poll(&event, 1, answer_milliseconds) == 1, "poll");
  must(read(pipe, text, 4096) == answer_size, "read");
}

static void read_configuration(void) {
  sigset_t child_ended, original;
  siginfo_t info;
  struct stat status;
  int ends[2], end;
  act_as_kong();
  const int pinned = pin(configuration[0], 0, &status);
  must(pinned >= 0, configuration[0]);
  inspect_way(configuration[0]);
  close(pinned);
  act_as_root();
  must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, &original);
  const pid_t parent = getpid();
  const pid_t child = fork();
  must(child >= 0, "fork");
  if (child == 0) {
    close(ends[0]);
    send_configuration(ends[1], parent);  // does not return
  }
  close(ends[1]);
  receive(ends[0]);
  while (waitpid(child, &end, WNOHANG) != child) sigwaitinfo(&child_ended, &info);
  must(WIFEXITED(end) && WEXITSTATUS(end) == 0, "the reader");
  close(ends[0]);
  sigprocmask(SIG_SETMASK, &original, 0);
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

static void examine(int directory, const struct dirent64 *entry) {
  if (entry->d_type != DT_DIR) {
    must_be_kongs(directory, entry->d_name, AT_SYMLINK_NOFOLLOW);
    return;
  }
  const int fd = open_directory(directory, entry->d_name, O_RDONLY);
  must_be_kongs(fd, "", AT_EMPTY_PATH);
  for_each_entry(fd, examine);
  close(fd);
}

static void walk_prefix(void) {
  static const char *const names[] = {"usr", "local", "kong", 0};
  const struct dirent64 itself = {.d_type = DT_DIR, .d_name = "."};
  struct stat status;
  int directory = open_directory(AT_FDCWD, "/", O_PATH);
  must(fstat(directory, &status) == 0, "/");
  for (const char *const *name = names; *name; name++) {
    const int next = open_directory(directory, *name, O_PATH);
    must(fstat(next, &status) == 0, *name);
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
  must(openat(directory, "nginx.pid", O_PATH | O_NOFOLLOW | O_CLOEXEC) < 0, "nginx.pid");
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

static void read_accounts(void) {
  must(geteuid() == 0, "geteuid");
  inspect_way("/etc/passwd");
  inspect_way("/etc/group");
  read_bounded("/etc/passwd", 0);
  read_bounded("/etc/group", 0);
}

static void read_snapshot(char *kong) {
  read_credentials();
  read_accounts();
  read_all("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  ask_for_owner();
  must(readlink("/proc/self/exe", text, PATH_MAX) > 0, "/proc/self/exe");
  search_path("kong", kong);
  look_at_proxy();
  must_be_absent("/docker-entrypoint.d/.", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
  read_processors();
  look_for_settings(kong);
  read_secrets();
  must(access("/proc/self/fd", X_OK) == 0, "/proc/self/fd");
}

// Gives nginx's file its capability, or none, and reads it back.
static void set_file_capability(int is_granted) {
  const unsigned long long set = 1ULL << granted;
  struct stat status;
  const int pinned = pin(proxy, O_NOFOLLOW, &status);
  must(pinned >= 0, proxy);
  const int fd = open_pinned(pinned);
  close(pinned);
  cap_t state = is_granted ? capabilities(set, 0, set) : 0;
  must(cap_set_fd(fd, state) == 0, "cap_set_fd");
  if (state) cap_free(state);
  state = cap_get_fd(fd);
  must(!state == !is_granted, "cap_get_fd");
  if (state) cap_free(state);
  close(fd);
}

static void end_process(int number) { _exit(128 + number); }

static void set_signals(void) {
  struct sigaction wanted = {.sa_handler = end_process}, before;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  wanted.sa_mask = all;
  sigprocmask(SIG_SETMASK, &all, 0);
  for (int i = 0; i < stops; i++) {
    sigaction(stop_signals[i], &wanted, &before);
    if (before.sa_handler == SIG_IGN) sigaction(stop_signals[i], &before, 0);
  }
  wanted.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &wanted, 0);
  sigprocmask(SIG_SETMASK, &none, 0);
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
  set_attribute(PR_SET_KEEPCAPS, 1);
  become_kong();
  set_attribute(PR_SET_DUMPABLE, 0);
  set_process(1ULL << granted, 1ULL << granted, 0);
  must(cap_set_ambient(granted, CAP_SET) == 0, "cap_set_ambient");
  set_attribute(PR_SET_NO_NEW_PRIVS, 1);
  end_with(parent);
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
  struct sigaction action;
  const pid_t parent = getpid();
  char *page = mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(page != MAP_FAILED, "mmap");
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  for (int i = 0; i < stops; i++) {
    sigaction(stop_signals[i], 0, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&mask, stop_signals[i]);
  }
  sigprocmask(SIG_BLOCK, &mask, &original);
  must(getpid() == parent, "getpid");
  set_attribute(PR_SET_CHILD_SUBREAPER, 1);
  must(waitpid(-1, 0, WNOHANG) == -1, "a child from before");
  const pid_t child = fork();
  if (child == 0) prepare(kong, &original, parent);  // does not return
  must(child > 0, "fork");
  setpgid(child, child);
  while (waitpid(child, &status, WNOHANG) != child) sigwaitinfo(&mask, &info);
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "kong prepare");
  while (sigtimedwait(&mask, &info, &now) > 0) must(info.si_signo == SIGCHLD, "stop signal");
  must(waitpid(-1, 0, WNOHANG) == -1, "left running");
  must(getpid() == parent, "getpid");
  set_attribute(PR_SET_CHILD_SUBREAPER, 0);
  sigprocmask(SIG_SETMASK, &original, 0);
  must(*page == 0, "kong prepare");
  munmap(page, 1);
}

static void launch(void) {
  char *arguments[] = {proxy, "-p", prefix, "-c", "nginx.conf", 0};
  must(fchown(STDOUT_FILENO, kong_uid, (gid_t)-1) == 0, "fchown");
  set_file_capability(1);
  drop_bounding(bounding & ~(1ULL << granted));
  set_attribute(PR_SET_KEEPCAPS, 1);
  become_kong();
  set_attribute(PR_SET_DUMPABLE, 0);
  set_process(1ULL << granted, 0, 0);
  set_attribute(PR_SET_NO_NEW_PRIVS, 1);
  verify("\nCapPrm:\t0000000000000400\n");
  look_for_sockets("/usr/local/kong/.");
  look_for_sockets("/usr/local/kong/sockets");
  look_at_links();
  must(close_range(3, ~0U, 0) == 0, "close_range");
  must(write(STDERR_FILENO, message, sizeof message - 1) > 0, "write");
  execve(proxy, arguments, changed_environment());
  must(0, proxy);
}

static void drop_alone(char *name) {
  char command[FILENAME_MAX];
  char *arguments[] = {name, 0};
  read_credentials();
  read_accounts();
  search_path(name, command);
  inspect_streams();
  must(fchown(STDOUT_FILENO, kong_uid, (gid_t)-1) == 0, "fchown");
  drop_bounding(bounding);
  become_kong();
  set_attribute(PR_SET_DUMPABLE, 0);
  set_attribute(PR_SET_NO_NEW_PRIVS, 1);
  verify("\nCapPrm:\t0000000000000000\n");
  execve(command, arguments, changed_environment());
  must(0, command);
}

int main(int count, char **arguments) {
  char kong[FILENAME_MAX];
  set_signals();
  set_attribute(PR_SET_DUMPABLE, 0);
  if (count == 5 && !strcmp(arguments[1], "--user")) drop_alone(arguments[4]);  // does not return
  read_snapshot(kong);
  walk_prefix();
#ifndef FIRST_START
  set_file_capability(0);
#endif
  run_prepare(kong);
  read_again();
  launch();
}
