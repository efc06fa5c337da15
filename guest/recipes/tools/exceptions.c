/* C++ exceptions end the interpreter: componentize-py does not accept modules with WebAssembly's exceptions. Handlers
   are never entered, because the compiler drops them. */

#include <stdio.h>
#include <stdlib.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* The first words of a `std::type_info`. */
struct type {
  const void *methods;
  const char *name;
};

HIDDEN void *__cxa_allocate_exception(size_t size) {
  void *exception = malloc(size);
  if (!exception) abort();
  return exception;
}

HIDDEN void __cxa_free_exception(void *exception) { free(exception); }

HIDDEN void __cxa_throw(void *exception, struct type *type, void (*destructor)(void *)) {
  fprintf(stderr, "a C++ exception was thrown: they are not supported in extensions (%s)\n", type->name);
  abort();
}

HIDDEN void __cxa_rethrow(void) { abort(); }

HIDDEN void *__cxa_get_exception_ptr(void *exception) { return exception; }

HIDDEN void *__cxa_begin_catch(void *exception) { return exception; }

HIDDEN void __cxa_end_catch(void) {}
