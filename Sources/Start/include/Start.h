#pragma once

/// What execve(2) gave this process, kept before any other code of it runs; and what was done first.

/// How many arguments there are.
int execve_argument_count(void);

/// The arguments, the program's name first, ended by a null pointer.
char **execve_arguments(void);

/// The environment: "NAME=value" strings, ended by a null pointer.
char **execve_environment(void);

/// Why the handlers for stop signals could not be set, or signals not be unblocked, or relocated data not be made
/// read-only (errno(3)): 0 where that was done. With such a process nothing may be begun: it could not be stopped, or
/// is easier to take over.
int first_instruction_failure(void);

/// The system call that failed, by its name.
const char *first_instruction_failed_call(void);

/// What was built: "v0.1.0, 1a2b3c4d" (tag, commit), "1a2b3c4d", or empty where nobody said.
const char *build_revision(void);
