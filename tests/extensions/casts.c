/* Calls through pointers of another signature, as real packages make them. */

#include <Python.h>

/* CPython passes two arguments. */
static PyObject *one_parameter(PyObject *self) { return PyUnicode_FromString("one"); }

/* CPython passes three arguments, the last of which is a dictionary or null. */
static PyObject *keywords(PyObject *self, PyObject *arguments) { return Py_NewRef(arguments); }

static int sum(int first, int second, int third) { return first + 10 * second + 100 * third; }

static double half(double number) { return number / 2; }

static long long wide(long long number) { return number + 1; }

static void nothing(int number) {}

static PyObject *calls(PyObject *self, PyObject *unused) {
  void *volatile pointers[] = {sum, half, wide, nothing};
  int (*fewer)(int, int) = pointers[0];
  int (*more)(int, int, int, int) = pointers[0];
  long long (*from_int)(int) = pointers[2];
  int (*without_result)(int) = pointers[3];
  double (*same)(double) = pointers[1];
  return Py_BuildValue("iiLid", fewer(1, 2), more(1, 2, 3, 4), from_int(-5), without_result(7), same(5.0));
}

/* A getter and a setter without their last parameter, `closure`. */
static PyObject *get_value(PyObject *self) { return PyLong_FromLong(42); }

static int set_value(PyObject *self, PyObject *value) {
  PyErr_Format(PyExc_ValueError, "cannot set %R", value);
  return -1;
}

static PyGetSetDef members[] = {{"value", (getter)get_value, (setter)set_value}, {0}};

static PyType_Slot slots[] = {{Py_tp_getset, members}, {0}};

static PyType_Spec specification = {"casts.Holder", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, slots};

static PyMethodDef methods[] = {
    {"one_parameter", (PyCFunction)one_parameter, METH_NOARGS, "Has one parameter."},
    {"keywords", (PyCFunction)keywords, METH_VARARGS | METH_KEYWORDS, "Has two parameters."},
    {"calls", calls, METH_NOARGS, "Calls functions with more and fewer arguments."},
    {0},
};

static int execute(PyObject *module) {
  PyObject *type = PyType_FromSpec(&specification);
  return type ? PyModule_AddObject(module, "Holder", type) : -1;
}

static PyModuleDef_Slot steps[] = {{Py_mod_exec, execute}, {0}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "casts", NULL, 0, methods, steps};

PyMODINIT_FUNC PyInit_casts(void) { return PyModuleDef_Init(&definition); }
