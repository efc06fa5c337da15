// Throws an exception of a class that `throws` exports, too.

#include <Python.h>

#include <stdexcept>

struct [[gnu::visibility("default")]] Visible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace {

PyObject *run(PyObject *self, PyObject *unused) {
  try {
    throw Visible("visible in visible");
  } catch (const std::exception &error) {
    return PyUnicode_FromString(error.what());
  }
}

PyMethodDef methods[] = {{"run", run, METH_NOARGS, "Throws the exception and catches it."}, {}};

int execute(PyObject *module) {
  return PyModule_AddStringConstant(module, "INTERNALS", "__pybind11_internals_v0__");
}

PyModuleDef_Slot steps[] = {{Py_mod_exec, reinterpret_cast<void *>(execute)}, {}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "visible", nullptr, 0, methods, steps};

} // namespace

PyMODINIT_FUNC PyInit_visible() { return PyModuleDef_Init(&definition); }
