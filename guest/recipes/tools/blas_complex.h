/* Included by blas.c for each complex type. */

#define FIRST(n, stride) ((stride) < 0 ? (size_t)(1 - (n)) * (size_t)(stride) : 0)

void NAME(dotu_sub)(int n, const COMPLEX *x, int incx, const COMPLEX *y, int incy, COMPLEX *sum) {
  *sum = 0;
  if (n <= 0) return;
  x += FIRST(n, incx), y += FIRST(n, incy);
  for (int i = 0; i < n; i++, x += incx, y += incy) *sum += *x * *y;
}

void NAME(dotc_sub)(int n, const COMPLEX *x, int incx, const COMPLEX *y, int incy, COMPLEX *sum) {
  *sum = 0;
  if (n <= 0) return;
  x += FIRST(n, incx), y += FIRST(n, incy);
  for (int i = 0; i < n; i++, x += incx, y += incy) *sum += ~*x * *y;
}

void NAME(axpy)(int n, const COMPLEX *alpha, const COMPLEX *x, int incx, COMPLEX *y, int incy) {
  if (n <= 0) return;
  x += FIRST(n, incx), y += FIRST(n, incy);
  for (int i = 0; i < n; i++, x += incx, y += incy) *y += *alpha * *x;
}

void NAME(gemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, const COMPLEX *alpha, const COMPLEX *a,
                int lda, const COMPLEX *b, int ldb, const COMPLEX *beta, COMPLEX *c, int ldc) {
  if (order != ROW_MAJOR) {
    NAME(gemm)(ROW_MAJOR, transpose_b, transpose_a, n, m, k, alpha, b, ldb, a, lda, beta, c, ldc);
    return;
  }
  size_t a_row = transpose_a == NO_TRANSPOSE ? lda : 1, a_column = transpose_a == NO_TRANSPOSE ? 1 : lda;
  size_t b_row = transpose_b == NO_TRANSPOSE ? ldb : 1, b_column = transpose_b == NO_TRANSPOSE ? 1 : ldb;
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) c[(size_t)i * ldc + j] = *beta == 0 ? 0 : *beta * c[(size_t)i * ldc + j];
    for (int p = 0; p < k; p++) {
      COMPLEX x = a[i * a_row + p * a_column];
      x = *alpha * (transpose_a == CONJUGATE ? ~x : x);
      for (int j = 0; j < n; j++) {
        COMPLEX y = b[p * b_row + j * b_column];
        c[(size_t)i * ldc + j] += x * (transpose_b == CONJUGATE ? ~y : y);
      }
    }
  }
}

void NAME(gemv)(int order, int transpose, int m, int n, const COMPLEX *alpha, const COMPLEX *a, int lda,
                const COMPLEX *x, int incx, const COMPLEX *beta, COMPLEX *y, int incy) {
  int outputs = transpose == NO_TRANSPOSE ? m : n, inputs = transpose == NO_TRANSPOSE ? n : m;
  int by_rows = (order == ROW_MAJOR) == (transpose == NO_TRANSPOSE);
  if (outputs <= 0) return;
  x += FIRST(inputs, incx), y += FIRST(outputs, incy);
  for (int i = 0; i < outputs; i++) {
    COMPLEX sum = 0;
    for (int j = 0; j < inputs; j++) {
      COMPLEX value = by_rows ? a[(size_t)i * lda + j] : a[(size_t)j * lda + i];
      sum += (transpose == CONJUGATE ? ~value : value) * x[(ptrdiff_t)j * incx];
    }
    COMPLEX *to = y + (ptrdiff_t)i * incy;
    *to = *alpha * sum + (*beta == 0 ? 0 : *beta * *to);
  }
}

/* Computes both triangles, of which NumPy reads one. */
void NAME(syrk)(int order, int triangle, int transpose, int n, int k, const COMPLEX *alpha, const COMPLEX *a, int lda,
                const COMPLEX *beta, COMPLEX *c, int ldc) {
  int other = transpose == NO_TRANSPOSE ? NO_TRANSPOSE + 1 : NO_TRANSPOSE;
  NAME(gemm)(order, transpose, other, n, n, k, alpha, a, lda, a, lda, beta, c, ldc);
}

#undef FIRST
