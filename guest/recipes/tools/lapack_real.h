/* Included by lapack.c for each real type. The functions have the parameters of Fortran's BLAS. */

void CBLAS_GEMM(int order, int transpose_a, int transpose_b, int m, int n, int k, REAL alpha, const REAL *a, int lda,
                const REAL *b, int ldb, REAL beta, REAL *c, int ldc);

int PLAIN_TRSM(char *side, char *triangle, char *transpose, char *diagonal, int *m, int *n, REAL *alpha, REAL *a,
               int *lda, REAL *b, int *ldb);

int GEMM(char *transpose_a, char *transpose_b, int *m, int *n, int *k, REAL *alpha, REAL *a, int *lda, REAL *b, int *ldb,
         REAL *beta, REAL *c, int *ldc) {
  CBLAS_GEMM(COLUMN_MAJOR, is(transpose_a, 'n') ? NO_TRANSPOSE : TRANSPOSE,
             is(transpose_b, 'n') ? NO_TRANSPOSE : TRANSPOSE, *m, *n, *alpha == 0 ? 0 : *k, *alpha, a, *lda, b, *ldb,
             *beta, c, *ldc);
  return 0;
}

/* Solves for the unknowns of one half of the matrix, subtracts their part from the other half, and solves that. */
int TRSM(char *side, char *triangle, char *transpose, char *diagonal, int *m, int *n, REAL *alpha, REAL *a, int *lda,
         REAL *b, int *ldb) {
  int is_left = is(side, 'l'), order = is_left ? *m : *n;
  if (order <= SMALL) return PLAIN_TRSM(side, triangle, transpose, diagonal, m, n, alpha, a, lda, b, ldb);
  int top = order / 2, rest = order - top;
  int is_lower = is(triangle, 'l'), is_plain = is(transpose, 'n');
  size_t step = is_left ? 1 : *ldb;
  REAL *corner = a + (is_lower ? (size_t)top : (size_t)top * *lda);
  REAL *second = a + (size_t)top * *lda + top, *below = b + top * step, one = 1;
  /* The half that does not depend on the other. */
  int starts_at_top = (is_lower == is_plain) == is_left;
  REAL *known = starts_at_top ? b : below, *other = starts_at_top ? below : b;
  int solved = starts_at_top ? top : rest, left = starts_at_top ? rest : top;
  int *rows = is_left ? &solved : m, *columns = is_left ? n : &solved;
  TRSM(side, triangle, transpose, diagonal, rows, columns, alpha, starts_at_top ? a : second, lda, known, ldb);
  int way = is_plain ? NO_TRANSPOSE : TRANSPOSE;
  if (is_left)
    CBLAS_GEMM(COLUMN_MAJOR, way, NO_TRANSPOSE, left, *n, solved, -1, corner, *lda, known, *ldb, *alpha, other, *ldb);
  else
    CBLAS_GEMM(COLUMN_MAJOR, NO_TRANSPOSE, way, *m, left, solved, -1, known, *ldb, corner, *lda, *alpha, other, *ldb);
  rows = is_left ? &left : m, columns = is_left ? n : &left;
  return TRSM(side, triangle, transpose, diagonal, rows, columns, &one, starts_at_top ? second : a, lda, other, ldb);
}
