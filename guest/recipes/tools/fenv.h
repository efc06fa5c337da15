/* Redirects the floating-point status flags to flags.c. The rest is that of libc. */
#ifndef ARCHIPEL_FENV_H
#define ARCHIPEL_FENV_H
#define feclearexcept libc_feclearexcept
#define feraiseexcept libc_feraiseexcept
#define fetestexcept libc_fetestexcept
#include_next <fenv.h>
#undef feclearexcept
#undef feraiseexcept
#undef fetestexcept
#undef FE_ALL_EXCEPT
#define FE_INVALID 1
#define FE_DIVBYZERO 4
#define FE_OVERFLOW 8
#define FE_UNDERFLOW 16
#define FE_INEXACT 32
#define FE_ALL_EXCEPT 61
#ifdef __cplusplus
extern "C" {
#endif
int feclearexcept(int) __asm__("archipel_feclearexcept");
int feraiseexcept(int) __asm__("archipel_feraiseexcept");
int fetestexcept(int) __asm__("archipel_fetestexcept");
#ifdef __cplusplus
}
#endif
#endif
