// Runs a program and writes what it used, with all its children that were waited for: the peak of the
// resident memory in KiB, and the page faults (getrusage(2)).
//
//   usage FILE PROGRAM ARGUMENT...
//
// It is small and static, because the peak of a process includes that of its memory before execve(2).
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { bench_failed = 70 };

int main(int count, char **arguments) {
  struct rusage usage;
  int status;
  if (count < 3) return bench_failed;
  const int file = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const pid_t child = fork();
  if (child == 0) {
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    _exit(bench_failed);
  }
  if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) return bench_failed;
  if (dprintf(file, "%ld %ld\n", usage.ru_maxrss, usage.ru_minflt) < 0) return bench_failed;
  return WEXITSTATUS(status);
}
