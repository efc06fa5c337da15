/* What the LAPACK of NumPy spends most of its time in, in terms of CBLAS: matrix products, and systems of equations with
   a triangular matrix. Its own plain loops, which the recipe renames, solve the small systems. */

#include <stddef.h>

enum { COLUMN_MAJOR = 102, NO_TRANSPOSE = 111, TRANSPOSE = 112, SMALL = 32 };

static int is(const char *option, char letter) { return (*option | 32) == letter; }

#define REAL double
#define CBLAS_GEMM cblas_dgemm
#define GEMM dgemm_
#define TRSM dtrsm_
#define PLAIN_TRSM dtrsm_plain_
#include "lapack_real.h"
#undef REAL
#undef CBLAS_GEMM
#undef GEMM
#undef TRSM
#undef PLAIN_TRSM

#define REAL float
#define CBLAS_GEMM cblas_sgemm
#define GEMM sgemm_
#define TRSM strsm_
#define PLAIN_TRSM strsm_plain_
#include "lapack_real.h"
