/* The handlers of std::terminate, and the report of an exception that is not caught in its module.
   This replaces the file of libc++abi that adds a demangler of 100 KiB to each module. */

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <typeinfo>

#include "cxa_handlers.h"

extern "C" int __cxa_atexit(void (*)(void *), void *, void *);

namespace {

/* Prints the mangled name of a simple type as in C++, and another name as it is. */
void print(const char *name) {
  const struct { const char *mangled, *readable; } builtin[] = {{"i", "int"}, {"l", "long"}, {"PKc", "const char *"}};
  for (auto &type : builtin) {
    if (strcmp(name, type.mangled) == 0) name = type.readable;
  }
  char text[256];
  size_t length = 0;
  auto append = [&](const char *part, size_t size) {
    if (length + size + 2 > sizeof text) return false;
    if (length) text[length++] = ':', text[length++] = ':';
    memcpy(text + length, part, size);
    length += size;
    return true;
  };
  const char *rest = name;
  const bool nested = *rest == 'N';
  rest += nested;
  bool readable = strncmp(rest, "St", 2) != 0 || (rest += 2, append("std", 3));
  while (readable && *rest >= '1' && *rest <= '9') {
    char *part;
    const size_t size = strtoul(rest, &part, 10);
    const bool anonymous = strncmp(part, "_GLOBAL__N_", 11) == 0;
    readable = size <= strlen(part) && (anonymous || append(part, size));
    rest = part + (readable ? size : 0);
  }
  readable = readable && length && strcmp(rest, nested ? "E" : "") == 0;
  if (readable) fwrite(text, 1, length, stderr);
  else fputs(name, stderr);
}

[[noreturn]] void terminate() {
  const std::type_info *type = abi::__cxa_current_exception_type();
  if (!type) {
    fputs("an extension module called std::terminate\n", stderr);
    abort();
  }
  fputs("a C++ exception was not caught in its extension module: ", stderr);
  print(type->name());
  try {
    throw;
  } catch (const std::exception &exception) {
    fprintf(stderr, ": %s", exception.what());
  } catch (...) {
  }
  fputc('\n', stderr);
  abort();
}

} // namespace

std::terminate_handler __cxa_terminate_handler = terminate;
std::unexpected_handler __cxa_unexpected_handler = terminate;
std::new_handler __cxa_new_handler = nullptr;

namespace std {

unexpected_handler set_unexpected(unexpected_handler handler) noexcept {
  const unexpected_handler previous = __cxa_unexpected_handler;
  __cxa_unexpected_handler = handler ? handler : ::terminate;
  return previous;
}

terminate_handler set_terminate(terminate_handler handler) noexcept {
  const terminate_handler previous = __cxa_terminate_handler;
  __cxa_terminate_handler = handler ? handler : ::terminate;
  return previous;
}

new_handler set_new_handler(new_handler handler) noexcept {
  const new_handler previous = __cxa_new_handler;
  __cxa_new_handler = handler;
  return previous;
}

} // namespace std

/* Objects of a thread are those of the module: an interpreter has one thread. */
extern "C" int __cxa_thread_atexit(void (*destructor)(void *), void *object, void *module) {
  return __cxa_atexit(destructor, object, module);
}

/* The linker of the guest makes each uncaught exception call this function, which has its tag's value. */
extern "C" __attribute__((visibility("default"))) void archipel_report_exception(void *exception) {
  abi::__cxa_begin_catch(exception);
  std::terminate();
}
