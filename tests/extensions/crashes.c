/* Functions that crash. */

#include <Python.h>
#include <stdlib.h>

static PyObject *null_pointer(PyObject *self, PyObject *unused) {
  PyObject *(*volatile function)(void) = NULL;
  return function();
}

static PyObject *trap(PyObject *self, PyObject *unused) { __builtin_trap(); }

static PyObject *end(PyObject *self, PyObject *unused) { abort(); }

static int fill(volatile char *above) {
  volatile char frame[4096];
  frame[0] = above[0];
  return fill(frame) + frame[1];
}

static PyObject *overflow(PyObject *self, PyObject *unused) {
  volatile char frame[1] = {0};
  return PyLong_FromLong(fill(frame));
}

static PyObject *beyond_memory(PyObject *self, PyObject *unused) {
  return PyLong_FromLong(*(volatile int *)0xfffffff0);
}

static PyMethodDef methods[] = {
    {"null_pointer", null_pointer, METH_NOARGS, "Calls a null pointer."},
    {"trap", trap, METH_NOARGS, "Executes `unreachable`."},
    {"abort", end, METH_NOARGS, "Calls abort."},
    {"overflow", overflow, METH_NOARGS, "Recurses without end."},
    {"beyond_memory", beyond_memory, METH_NOARGS, "Reads beyond the end of memory."},
    {0},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "crashes", NULL, 0, methods};

PyMODINIT_FUNC PyInit_crashes(void) { return PyModuleDef_Init(&definition); }
