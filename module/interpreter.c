/* The interpreter: the host's own, when it is a Python program, or else one of ours; then the package.
 *
 * Ours is isolated: no PYTHON* variables, no user site, no `site`, no signal handlers, no change of locale, and the
 * paths are given. So the user's environment can neither break nor hijack the library, and the start is quick. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>
#include <unistd.h>

#include "library.h"

#include "generated/environment.h"

static int ours;
static int refused;
static _Atomic int is_up;

int interpreter_is_up(void)
{
    return is_up;
}

int interpreter_is_ours(void)
{
    return ours;
}

void interpreter_refuse(const char *why)
{
    complain("%s", why);
    refused = 1;
}

static PyStatus add_path(PyConfig *config, const char *path)
{
    wchar_t *wide = Py_DecodeLocale(path, NULL);
    PyStatus status = wide ? PyWideStringList_Append(&config->module_search_paths, wide) : PyStatus_NoMemory();
    PyMem_RawFree(wide);
    return status;
}

static PyStatus add_paths(PyConfig *config)
{
    const char *paths[] = {ENVIRONMENT_STDLIB, ENVIRONMENT_DYNLOAD, place.root, place.site};
    PyStatus status = PyStatus_Ok();
    config->module_search_paths_set = 1;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !PyStatus_Exception(status); i++)
        if (paths[i]) status = add_path(config, paths[i]);
    return status;
}

/* Given, so that nothing is searched: the search prints warnings when a program without Python around it runs it. */
static PyStatus set_prefixes(PyConfig *config)
{
    wchar_t **fields[] = {&config->prefix, &config->base_prefix, &config->exec_prefix, &config->base_exec_prefix};
    PyStatus status = PyConfig_SetBytesString(config, &config->executable, "");
    for (size_t i = 0; i < sizeof fields / sizeof *fields && !PyStatus_Exception(status); i++)
        status = PyConfig_SetBytesString(config, fields[i], ENVIRONMENT_PREFIX);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(config, &config->stdlib_dir, ENVIRONMENT_STDLIB);
    return status;
}

static PyStatus initialize(void)
{
    PyPreConfig preconfig;
    PyConfig config;
    PyStatus status;
    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1; /* the host's locale is not ours to use, and may be "C" */
    status = Py_PreInitialize(&preconfig);
    if (PyStatus_Exception(status)) return status;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    status = set_prefixes(&config);
    if (!PyStatus_Exception(status)) status = add_paths(&config);
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

/* Starts our interpreter; the calling thread holds the GIL afterwards. */
static int start_ours(void)
{
    PyStatus status;
    if (access(ENVIRONMENT_STDLIB "/os.py", R_OK)) {
        complain("Python's library %s is gone: build the library again", ENVIRONMENT_STDLIB);
        return -1;
    }
    status = initialize();
    if (PyStatus_Exception(status)) {
        complain("Python does not start: %s", status.err_msg ? status.err_msg : "it does not say why");
        return -1;
    }
    ours = 1;
    return 0;
}

/* At the end, where it can hide nothing of the host's. */
static int append_site(void)
{
    PyObject *path = PySys_GetObject("path"), *site;
    int result = -1;
    if (!place.site) return 0;
    if (!path || !(site = PyUnicode_DecodeFSDefault(place.site))) return -1;
    switch (PySequence_Contains(path, site)) {
    case 0: result = PyList_Append(path, site); break;
    case 1: result = 0;
    }
    Py_DECREF(site);
    return result;
}

static int import_backend(void)
{
    PyObject *backend = append_site() ? NULL : PyImport_ImportModule("_cffi_backend");
    PyObject *type, *value, *traceback, *text;
    if (backend) {
        Py_DECREF(backend);
        return 0;
    }
    PyErr_Fetch(&type, &value, &traceback);
    text = value ? PyObject_Str(value) : NULL;
    complain("cannot start: %s", text && PyUnicode_AsUTF8(text) ? PyUnicode_AsUTF8(text) : "cffi cannot be imported");
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    PyErr_Clear();
    return -1;
}

static int connect_crossings(void)
{
#if PY_VERSION_HEX < 0x030C0000
    /* cffi uses this number as a spin lock and waits for ever when the host has looked at a capsule's attributes */
    PyType_Modified(&PyCapsule_Type);
#endif
    return import_backend() || crossings_start() || refused ? -1 : 0;
}

static int start_in_host(void)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    int result = connect_crossings();
    PyGILState_Release(gil);
    return result;
}

static int start_alone(void)
{
    int result;
    if (start_ours()) return -1;
    result = connect_crossings();
    PyEval_SaveThread();
    return result;
}

static void start(void)
{
    if (place.why) {
        complain("%s", place.why);
        return;
    }
    fork_mark(); /* a fork before this, even a silent one, had nothing to lose */
    thread_start();
    is_up = !(Py_IsInitialized() ? start_in_host() : start_alone());
}

int interpreter_start(void)
{
    static int is_tried;
    if (is_up) return 0;
    gate_close(); /* so a fork waits until there is an interpreter to bring through it */
    if (!is_tried) start();
    is_tried = 1;
    gate_open();
    return is_up ? 0 : -1;
}
