// Prints the C library's words for each error: for Tests/LinuxTests/ErrnoTests.swift.
#include <stdio.h>
#include <string.h>

int main(void) {
  for (int number = 1; number < 134; number++) printf("%s\n", strerror(number));
}
