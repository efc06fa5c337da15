// Throws C++ exceptions.

#include <Python.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

// `visible` exports this class, too.
struct [[gnu::visibility("default")]] Visible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace {

std::string events;

struct Scope {
  std::string name;
  explicit Scope(std::string name) : name(std::move(name)) { events += "+" + this->name; }
  ~Scope() { events += "-" + name; }
};

struct Special : std::runtime_error {
  int code;
  Special(const std::string &text, int code) : std::runtime_error(text), code(code) {}
};

// Throws through three frames with destructors.
[[gnu::noinline]] int third(int number) {
  Scope scope("c");
  if (number > 3) throw Special("too many: " + std::to_string(number), number);
  return number;
}

[[gnu::noinline]] int second(int number) {
  Scope scope("b");
  return third(number) + 1;
}

[[gnu::noinline]] int first(int number) {
  Scope scope("a");
  std::vector<int> kept(number);
  return second(number) + static_cast<int>(kept.size());
}

struct Base {
  virtual ~Base() = default;
  virtual int run() const { return 0; }
};

struct Derived : Base {
  int run() const override { throw std::logic_error("virtual"); }
};

struct Half {
  Scope whole{"whole"};
  Scope part;
  Half() : part([]() -> std::string { throw 7; }()) {}
};

struct Tried {
  Scope scope;
  explicit Tried(bool fails) try : scope(fails ? throw std::domain_error("member") : "member") {
  } catch (const std::domain_error &) {
    events += "!";
  }
};

int thrown_twice(int number) {
  try {
    return first(number);
  } catch (Special &error) {
    events += "*";
    error.code += 1;
    throw;
  }
}

// Runs one case, and describes the exception.
std::string run_case(const std::string &name) {
  events.clear();
  try {
    if (name == "none") return std::to_string(first(2)) + events;
    if (name == "base") first(5);
    if (name == "rethrow") thrown_twice(5);
    if (name == "at") return std::to_string(std::vector<int>(3).at(3));
    if (name == "string") return std::string("abc").substr(4);
    if (name == "alloc") return std::to_string(reinterpret_cast<std::size_t>(::operator new(0x7fffffff)));
    if (name == "stoi") return std::to_string(std::stoi("seven"));
    if (name == "cast") return std::to_string(dynamic_cast<const Derived &>(*std::make_unique<Base>()).run());
    if (name == "virtual") return std::to_string(std::unique_ptr<Base>(new Derived)->run());
    if (name == "function") return std::to_string(std::function<int(int)>(first)(9));
    if (name == "empty") return std::to_string(std::function<int()>()());
    if (name == "constructor") return Half().part.name;
    if (name == "try block") return Tried(true).scope.name;
    if (name == "sort") {
      std::vector<int> numbers{3, 1, 2};
      std::sort(numbers.begin(), numbers.end(), [](int a, int b) -> bool { throw a + b; });
    }
    if (name == "stream") {
      std::istringstream stream("x");
      stream.exceptions(std::ios::failbit);
      int number;
      stream >> number;
    }
    if (name == "pointer") {
      std::exception_ptr kept;
      try {
        first(8);
      } catch (...) {
        kept = std::current_exception();
      }
      events += "|";
      std::rethrow_exception(kept);
    }
    if (name == "visible") throw Visible("visible in throws");
    if (name == "nested") {
      try {
        first(6);
      } catch (...) {
        std::throw_with_nested(std::overflow_error("outside"));
      }
    }
  } catch (const Special &error) {
    return "Special " + std::to_string(error.code) + ": " + error.what() + events;
  } catch (const std::bad_alloc &) {
    return "bad_alloc" + events;
  } catch (const std::exception &error) {
    std::string text = error.what();
    try {
      std::rethrow_if_nested(error);
    } catch (const std::runtime_error &inner) {
      text += std::string(" of ") + inner.what();
    }
    return text + events;
  } catch (int number) {
    return std::to_string(number) + events;
  }
  return "nothing" + events;
}

PyObject *run(PyObject *self, PyObject *name) {
  const char *text = PyUnicode_AsUTF8(name);
  if (!text) return nullptr;
  return PyUnicode_FromString(run_case(text).c_str());
}

// Throws and catches a number of times, every third time by another type.
PyObject *loop(PyObject *self, PyObject *times) {
  long sum = 0;
  for (long number = 0; number < PyLong_AsLong(times); number++) {
    try {
      switch (number % 3) {
      case 0: throw Special("loop", 1);
      case 1: throw 2L;
      default: sum += std::vector<int>().at(number);
      }
    } catch (const std::out_of_range &) {
      sum += 3;
    } catch (const std::exception &error) {
      sum += dynamic_cast<const Special &>(error).code;
    } catch (long number) {
      sum += number;
    }
  }
  return PyLong_FromLong(sum);
}

PyObject *uncaught(PyObject *self, PyObject *number) { return PyLong_FromLong(first(PyLong_AsLong(number))); }

PyObject *uncaught_int(PyObject *self, PyObject *unused) { throw 5; }

int promised(int number) noexcept { return first(number); }

PyObject *break_promise(PyObject *self, PyObject *unused) { return PyLong_FromLong(promised(7)); }

// Calls Python code, which can call back into the module. An exception must not pass it.
PyObject *across(PyObject *self, PyObject *function) {
  try {
    return PyObject_CallNoArgs(function);
  } catch (...) {
    return PyUnicode_FromString("caught across Python");
  }
}

PyMethodDef methods[] = {
    {"run", run, METH_O, "Runs a case."},
    {"loop", loop, METH_O, "Throws a number of times."},
    {"uncaught", uncaught, METH_O, "Throws without a handler, if the number is large."},
    {"uncaught_int", uncaught_int, METH_NOARGS, "Throws an int without a handler."},
    {"break_promise", break_promise, METH_NOARGS, "Throws in a function that is noexcept."},
    {"across", across, METH_O, "Calls a function."},
    {},
};

// Exceptions of static constructors, and of the module's initialisation.
const std::string at_start = run_case("base");

int execute(PyObject *module) {
  const std::string now = at_start + "; " + run_case("at");
  if (PyModule_AddStringConstant(module, "INTERNALS", "__pybind11_internals_v0__")) return -1;
  return PyModule_AddStringConstant(module, "START", now.c_str());
}

PyModuleDef_Slot steps[] = {{Py_mod_exec, reinterpret_cast<void *>(execute)}, {}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "throws", nullptr, 0, methods, steps};

} // namespace

PyMODINIT_FUNC PyInit_throws() { return PyModuleDef_Init(&definition); }
