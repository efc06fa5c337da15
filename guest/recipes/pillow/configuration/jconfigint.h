#define BUILD "archipel"
#define PACKAGE_NAME "mozjpeg"
#define VERSION "4.1"
#define INLINE inline __attribute__((always_inline))
#define HIDDEN
#define THREAD_LOCAL
#define FALLTHROUGH
#define SIZEOF_SIZE_T 4
#define HAVE_BUILTIN_CTZL 1
