// Why C: only here can a constant have a section of its own.
//
// scripts/build writes the section in the linked binary (objcopy --update-section). So a new commit
// compiles and links nothing anew, `swift build` needs no generated file, and the compiler's output
// depends on the sources alone.
#include "Start.h"

__attribute__((section(".revision"), used)) static const char revision[64] = "";

const char *build_revision(void) { return revision; }
