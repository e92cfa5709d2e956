// Why C: a function that is defined here takes the place of a library's, so the linker leaves out that one
// and all that only it needs. These make the binary 50 kB smaller. The linker redirects the calls to
// __wrap_NAME (Package.swift).
//
// Only for the release: ordinary programs have a runtime that needs the tables.
#ifdef RELEASE
#include <stddef.h>
#include <stdint.h>

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
