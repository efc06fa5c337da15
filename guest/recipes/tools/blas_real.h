/* Included by blas.c for each real type. */

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define LOCAL(name) PASTE(name, REAL)
#define FIRST(n, stride) ((stride) < 0 ? (size_t)(1 - (n)) * (size_t)(stride) : 0)

enum { LOCAL(columns_) = 2 * LANES, LOCAL(rows_) = 4, LOCAL(depth_) = 256, LOCAL(tall_) = 64, LOCAL(wide_) = 256 };
typedef REAL LOCAL(vector_) __attribute__((vector_size(16)));

REAL NAME(dot)(int n, const REAL *x, int incx, const REAL *y, int incy) {
  if (n <= 0) return 0;
  if (incx == 1 && incy == 1) {
    LOCAL(vector_) sums[4] = {{0}}, a, b;
    int i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
      for (int j = 0; j < 4; j++) {
        memcpy(&a, x + i + j * LANES, 16);
        memcpy(&b, y + i + j * LANES, 16);
        sums[j] += a * b;
      }
    a = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    REAL sum = 0;
    for (int j = 0; j < LANES; j++) sum += a[j];
    for (; i < n; i++) sum += x[i] * y[i];
    return sum;
  }
  REAL sum = 0;
  x += FIRST(n, incx), y += FIRST(n, incy);
  for (int i = 0; i < n; i++, x += incx, y += incy) sum += *x * *y;
  return sum;
}

void NAME(axpy)(int n, REAL alpha, const REAL *x, int incx, REAL *y, int incy) {
  if (n <= 0) return;
  x += FIRST(n, incx), y += FIRST(n, incy);
  for (int i = 0; i < n; i++, x += incx, y += incy) *y += alpha * *x;
}

void NAME(gemv)(int order, int transpose, int m, int n, REAL alpha, const REAL *a, int lda, const REAL *x, int incx,
                REAL beta, REAL *y, int incy) {
  /* In terms of rows: a matrix by columns is the transposed one by rows. */
  int by_rows = (order == ROW_MAJOR) == (transpose == NO_TRANSPOSE);
  int outputs = transpose == NO_TRANSPOSE ? m : n, inputs = transpose == NO_TRANSPOSE ? n : m;
  if (outputs <= 0) return;
  x += FIRST(inputs, incx), y += FIRST(outputs, incy);
  for (int i = 0; i < outputs; i++) {
    REAL *to = y + (ptrdiff_t)i * incy;
    *to = beta == 0 ? 0 : beta * *to;
    if (by_rows && incx == 1) *to += alpha * NAME(dot)(inputs, a + (size_t)i * lda, 1, x, 1);
    else if (by_rows)
      for (int j = 0; j < inputs; j++) *to += alpha * a[(size_t)i * lda + j] * x[(ptrdiff_t)j * incx];
  }
  if (by_rows) return;
  for (int j = 0; j < inputs; j++) NAME(axpy)(outputs, alpha * x[(ptrdiff_t)j * incx], a + (size_t)j * lda, 1, y, incy);
}

/* One step of the loop below. Its end is tested after each step, because the engine puts the sums into memory where a
   loop begins again, and loads of several steps without a branch before their products. */
#define STEP                                                                   \
  {                                                                            \
    LOCAL(vector_) b0, b1, four[4 / LANES];                                    \
    memcpy(&b0, b, 16);                                                        \
    memcpy(&b1, b + LANES, 16);                                                \
    memcpy(four, a, sizeof four);                                              \
    _Pragma("unroll") for (int i = 0; i < 4; i++) {                            \
      LOCAL(vector_) x = four[i / LANES][i % LANES] - (LOCAL(vector_)){0};     \
      s[i][0] += x * b0;                                                       \
      s[i][1] += x * b1;                                                       \
    }                                                                          \
    a += 4, b += 2 * LANES;                                                    \
    if (a == end) break;                                                       \
  }

/* Multiplies a packed panel of four rows with a packed panel of two vectors, and adds the product to `c`. */
static void LOCAL(kernel_)(int depth, const REAL *a, const REAL *b, REAL alpha, REAL *c, size_t ldc, int rows, int columns) {
  LOCAL(vector_) s[4][2] = {{{0}}};
  const REAL *end = a + (size_t)depth * 4;
  for (;;) {
    STEP STEP STEP STEP STEP STEP STEP STEP
  }
  REAL product[4][2 * LANES];
  memcpy(product, s, sizeof product);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) c[i * ldc + j] += alpha * product[i][j];
}

static int LOCAL(least_)(int a, int b) { return a < b ? a : b; }

void NAME(gemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, REAL alpha, const REAL *a, int lda,
                const REAL *b, int ldb, REAL beta, REAL *c, int ldc) {
  if (order != ROW_MAJOR) {
    NAME(gemm)(ROW_MAJOR, transpose_b, transpose_a, n, m, k, alpha, b, ldb, a, lda, beta, c, ldc);
    return;
  }
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) c[(size_t)i * ldc + j] = beta == 0 ? 0 : beta * c[(size_t)i * ldc + j];
  size_t a_row = transpose_a == NO_TRANSPOSE ? lda : 1, a_column = transpose_a == NO_TRANSPOSE ? 1 : lda;
  size_t b_row = transpose_b == NO_TRANSPOSE ? ldb : 1, b_column = transpose_b == NO_TRANSPOSE ? 1 : ldb;
  enum { DEPTH = LOCAL(depth_), TALL = LOCAL(tall_), WIDE = LOCAL(wide_), COLUMNS = LOCAL(columns_), ROWS = LOCAL(rows_) };
  REAL *packed = (size_t)m * n * k < 512 ? NULL : aligned_alloc(16, sizeof(REAL) * DEPTH * (TALL + WIDE));
  if (!packed) {
    for (int i = 0; i < m; i++)
      for (int p = 0; p < k; p++) {
        REAL x = alpha * a[i * a_row + p * a_column];
        for (int j = 0; j < n; j++) c[(size_t)i * ldc + j] += x * b[p * b_row + j * b_column];
      }
    return;
  }
  REAL *packed_b = packed + DEPTH * TALL;
  for (int p0 = 0; p0 < k; p0 += DEPTH)
    for (int j0 = 0; j0 < n; j0 += WIDE) {
      int depth = LOCAL(least_)(DEPTH, k - p0), wide = LOCAL(least_)(WIDE, n - j0);
      REAL *to = packed_b;
      for (int j = 0; j < wide; j += COLUMNS)
        for (int p = 0; p < depth; p++)
          for (int l = 0; l < COLUMNS; l++)
            *to++ = j + l < wide ? b[(p0 + p) * b_row + (j0 + j + l) * b_column] : 0;
      for (int i0 = 0; i0 < m; i0 += TALL) {
        int tall = LOCAL(least_)(TALL, m - i0);
        to = packed;
        for (int i = 0; i < tall; i += ROWS)
          for (int p = 0; p < depth; p++)
            for (int l = 0; l < ROWS; l++)
              *to++ = i + l < tall ? a[(i0 + i + l) * a_row + (p0 + p) * a_column] : 0;
        for (int j = 0; j < wide; j += COLUMNS)
          for (int i = 0; i < tall; i += ROWS)
            LOCAL(kernel_)(depth, packed + (size_t)i * depth, packed_b + (size_t)j * depth, alpha,
                           c + (size_t)(i0 + i) * ldc + j0 + j, ldc, LOCAL(least_)(ROWS, tall - i),
                           LOCAL(least_)(COLUMNS, wide - j));
      }
    }
  free(packed);
}

/* Computes both triangles, of which NumPy reads one. */
void NAME(syrk)(int order, int triangle, int transpose, int n, int k, REAL alpha, const REAL *a, int lda, REAL beta,
                REAL *c, int ldc) {
  int other = transpose == NO_TRANSPOSE ? NO_TRANSPOSE + 1 : NO_TRANSPOSE;
  NAME(gemm)(order, transpose, other, n, n, k, alpha, a, lda, a, lda, beta, c, ldc);
}

#undef STEP
#undef LOCAL
#undef PASTE
#undef PASTE2
#undef FIRST
