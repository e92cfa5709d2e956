// Why C: a function that is defined here takes the place of a library's, so the linker leaves out that one
// and all that only it needs. These make the binary 270 kB smaller. Where a library's file has more that
// is needed, the linker redirects the calls to __wrap_NAME (Package.swift), else NAME is defined here. Should
// a later library need more of such a file, the build says so: NAME is then defined twice.
//
// Only for the release: ordinary programs have a runtime in C++, which does unwind.
#ifdef RELEASE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- glibc ----

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

// A failed assertion in glibc. Its own brings in the whole of printf, and translates.
_Noreturn void __assert_fail(
    const char *assertion, const char *file, unsigned line, const char *function) {
  (void)file;
  (void)line;
  (void)function;
  say("entrypoint: error: an assertion of the C library failed: ");
  say(assertion);
  say("\n");
  abort();
}

// Translations of glibc's messages. LANGUAGE and LC_ALL are hidden from it (first_instruction.c), so its own
// reads files of translations, and converts them, for nobody.
char *__dcgettext(const char *domain, const char *text, int category) {
  (void)domain;
  (void)category;
  return (char *)text;
}

char *dcgettext(const char *domain, const char *text, int category) {
  return __dcgettext(domain, text, category);
}

// Floating-point numbers as text: glibc's own messages have none. The last two are what the others became
// in glibc 2.37.
_Noreturn void __wrap___printf_fp(void) { abort(); }
_Noreturn void __wrap___printf_fphex(void) { abort(); }
_Noreturn void __wrap___printf_fp_l_buffer(void) { abort(); }
_Noreturn void __wrap___printf_fphex_l_buffer(void) { abort(); }

// Loading: glibc loads modules that convert text for streams of wide characters, and names of users through
// NSS. Here no stream is wide, and nothing is ever loaded. A stream with functions of its own, as only a
// program that loads has, ends the process: glibc would accept it where dlopen(3) is linked.
_Noreturn void __wrap__IO_vtable_check(void) { abort(); }
_Noreturn void __wrap___gconv_find_transform(void) { abort(); }
_Noreturn void __wrap___gconv_close_transform(void) { abort(); }
_Noreturn void __wrap___gconv_release_step(void) { abort(); }
_Noreturn void __wrap___libc_dlclose(void) { abort(); }
const void *const __wrap___wcsmbs_gconv_fcts_c[8] = {NULL};

// Where libraries would be looked for: glibc prepares that before main, and reads a link in /proc for it. The
// second returns what stands for "not known".
void __wrap__dl_init_paths(void) {}
const char *__wrap__dl_get_origin(void) { return (const char *)-1; }

// Unwinding, by which glibc ends a thread early. There is one thread, nothing throws, and scripts/build
// leaves out the tables that unwinding needs.
_Noreturn void _Unwind_Resume(void *exception) {
  (void)exception;
  abort();
}

int __gcc_personality_v0(void) { abort(); }

// ---- Swift's tables of Unicode ----
//
// Without them no text is equal to another one that has other bytes, as with names of files and
// variables; and only letters of ASCII have another case, as in Kong and nginx.

// Nothing composes with anything, or has another form (UAX #15).
uint16_t __wrap__swift_stdlib_getNormData(uint32_t scalar) {
  (void)scalar;
  return 0;
}

uint32_t __wrap__swift_stdlib_getDecompositionEntry(uint32_t scalar) {
  (void)scalar;
  return 0;
}

uint32_t __wrap__swift_stdlib_getComposition(uint32_t first, uint32_t second) {
  (void)first;
  (void)second;
  return UINT32_MAX;
}

// How far away the letter of the other case is: 0 is upper case, 1 is lower case.
int32_t __wrap__swift_stdlib_getMapping(uint32_t scalar, uint8_t mapping) {
  if (mapping == 0 && scalar >= 'a' && scalar <= 'z') return 'A' - 'a';
  if (mapping == 1 && scalar >= 'A' && scalar <= 'Z') return 'a' - 'A';
  return 0;
}

const uint8_t *__wrap__swift_stdlib_getSpecialMapping(uint32_t scalar, uint8_t mapping, intptr_t *length) {
  (void)scalar;
  (void)mapping;
  *length = 0;
  return NULL;
}
#endif
