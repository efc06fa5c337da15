/* A module with single-phase initialisation and a global counter. */

#include <Python.h>

static long count;

static PyObject *add(PyObject *self, PyObject *amount) {
  long number = PyLong_AsLong(amount);
  if (number == -1 && PyErr_Occurred()) return NULL;
  count += number;
  return PyLong_FromLong(count);
}

static PyMethodDef methods[] = {{"add", add, METH_O, "Adds to the counter and returns it."}, {0}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "counter", NULL, -1, methods};

PyMODINIT_FUNC PyInit_counter(void) { return PyModule_Create(&definition); }
