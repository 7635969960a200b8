/* The one way in which the library speaks to a person: a line on stderr. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

void complain(const char *format, ...)
{
    char line[1024] = "ghostcard: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    length = strlen(line);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) return; /* there is nowhere else to say it */
}

void complain_of(const char *what)
{
    complain("%s", what);
}
