/* The runtime of setjmp and longjmp, and the report of a jump whose target is not there. */

#include <stdio.h>
#include <stdlib.h>

#include <libc-top-half/musl/src/setjmp/wasm32/rt.c>

/* The linker of the guest makes each uncaught jump call this function. */
__attribute__((visibility("default"))) void archipel_report_longjmp(void *jump) {
  fputs("an extension module called longjmp, but the function that called setjmp has returned\n", stderr);
  abort();
}
