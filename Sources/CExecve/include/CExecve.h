#pragma once

/// What execve(2) gave this process, kept before any other code of it runs.

/// The arguments, the program's name first, ended by a null pointer.
char **execve_arguments(void);

/// The environment: "NAME=value" strings, ended by a null pointer.
char **execve_environment(void);
