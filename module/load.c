/* When the library is loaded: where it lies, and whether this process can have it.
 *
 * A host loads us with RTLD_LOCAL, which hides libpython from Python's own extension modules; so libpython is
 * opened once more for everybody. Before that, the process is looked at: two Pythons in one process end in
 * hangs and crashes, so another one is refused, with a line that names it. Nothing is said here; the line comes
 * with the first call (interpreter.c), since many programs load libraries that they then do not use. */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

#include "generated/environment.h"

place_t place;
static char root[PATH_MAX];
static char why[3 * PATH_MAX];

static void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void refuse(const char *format, ...)
{
    va_list arguments;
    if (place.why) return;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    place.why = why;
}

static int is_package(const char *folder, const char *package)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s__init__.py", folder, package) < (int)sizeof path && !access(path, R_OK);
}

/* In a source tree the library is in ROOT/module, installed it is in ROOT/ghostcard/module. */
static void find_root(void)
{
    char library[PATH_MAX];
    Dl_info self;
    if (!dladdr(&place, &self) || !realpath(self.dli_fname, library)) {
        refuse("the library's own file cannot be found");
        return;
    }
    strcpy(root, dirname(dirname(library)));
    place.root = root;
    if (is_package(root, "ghostcard/")) return;
    if (!is_package(root, "")) {
        refuse("%s is not beside the package ghostcard: link to the library, do not copy it", self.dli_fname);
        return;
    }
    dirname(root);
}

/* An installed package has its dependencies beside it; a source tree has them where it was built. */
static void find_site(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/cffi", (int)sizeof path - 6, root);
    if (!access(path, R_OK)) return;
    if (access(ENVIRONMENT_SITE, R_OK))
        refuse("%s, the environment of the build, is gone: build the library again", ENVIRONMENT_SITE);
    place.site = ENVIRONMENT_SITE;
}

static int same_file(const char *a, const char *b)
{
    char real_a[PATH_MAX], real_b[PATH_MAX];
    return realpath(a, real_a) && realpath(b, real_b) && !strcmp(real_a, real_b);
}

/* libpython3.so only forwards; libpython3.11.so.1.0 is one. */
static int is_libpython(const char *path)
{
    const char *name = strrchr(path, '/');
    int major, minor;
    return sscanf(name ? name + 1 : path, "libpython%d.%d", &major, &minor) == 2;
}

static int find_other_libpython(struct dl_phdr_info *object, size_t size, void *own)
{
    (void)size;
    if (!is_libpython(object->dlpi_name) || same_file(object->dlpi_name, own)) return 0;
    refuse("this process has %s loaded, another Python than the library's %s", object->dlpi_name, (char *)own);
    return 1;
}

static int same_version(const char *a, const char *b)
{
    size_t length = strcspn(a, " ");
    return length == strcspn(b, " ") && !strncmp(a, b, length);
}

/* `running` may come from the program itself: symbols are looked up there first. */
static void check_versions(const char *running, const char *linked, const char *libpython)
{
    if (!same_version(running, linked))
        refuse("this process runs Python %.*s, the library needs %.*s of %s", (int)strcspn(running, " "), running,
               (int)strcspn(linked, " "), linked, libpython);
    if (!same_file(libpython, ENVIRONMENT_LIBPYTHON) && !same_version(linked, PY_VERSION))
        refuse("this process has %s loaded, the library was built with %s", libpython, ENVIRONMENT_LIBPYTHON);
}

static void check_python(void)
{
    const char *(*version)(void) = NULL;
    Dl_info own;
    void *libpython = dlopen(ENVIRONMENT_SONAME, RTLD_NOW | RTLD_NOLOAD);
    if (libpython) *(void **)&version = dlsym(libpython, "Py_GetVersion");
    if (!version || !dladdr(*(void **)&version, &own)) {
        refuse("%s is not loaded", ENVIRONMENT_SONAME);
        return;
    }
    check_versions(Py_GetVersion(), version(), own.dli_fname);
    dl_iterate_phdr(find_other_libpython, (void *)own.dli_fname);
    if (!place.why && !dlopen(ENVIRONMENT_SONAME, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL))
        refuse("%s: %s", ENVIRONMENT_SONAME, dlerror());
}

__attribute__((constructor)) static void load(void)
{
    if (fork_start()) refuse("out of memory");
    clock_find();
    find_root();
    if (!place.why) find_site();
    if (!place.why) check_python();
}
