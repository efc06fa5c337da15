/* The floating-point status flags, in software: WebAssembly has none, and the functions of libc do nothing.
   C code that raises and tests flags explicitly works. Arithmetic raises none. */

#ifndef ARCHIPEL_VISIBILITY
#define ARCHIPEL_VISIBILITY "hidden"
#endif
#define EXPORTED __attribute__((visibility(ARCHIPEL_VISIBILITY)))

static int flags;

EXPORTED int archipel_feclearexcept(int which) {
  flags &= ~which;
  return 0;
}

EXPORTED int archipel_feraiseexcept(int which) {
  flags |= which;
  return 0;
}

EXPORTED int archipel_fetestexcept(int which) { return flags & which; }
