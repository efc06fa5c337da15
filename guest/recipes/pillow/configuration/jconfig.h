/* libjpeg for a target of 32 bits without assembler. */
#define JPEG_LIB_VERSION 62
#define BITS_IN_JSAMPLE 8
#define MEM_SRCDST_SUPPORTED 1
#define NO_GETENV 1
#define NO_PUTENV 1
#define HAVE_STDLIB_H 1
#define HAVE_UNSIGNED_CHAR 1
#define HAVE_UNSIGNED_SHORT 1
