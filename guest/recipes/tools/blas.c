/* The part of CBLAS that NumPy calls. Products of real matrices are packed into panels and multiplied in SIMD
   registers, four rows and two vectors at a time. Everything else is plain loops. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, CONJUGATE = 113 };

#define REAL double
#define NAME(name) cblas_d##name
#define LANES 2
#include "blas_real.h"
#undef REAL
#undef NAME
#undef LANES

#define REAL float
#define NAME(name) cblas_s##name
#define LANES 4
#include "blas_real.h"
#undef REAL
#undef NAME
#undef LANES

#define COMPLEX _Complex double
#define NAME(name) cblas_z##name
#include "blas_complex.h"
#undef COMPLEX
#undef NAME

#define COMPLEX _Complex float
#define NAME(name) cblas_c##name
#include "blas_complex.h"
