#include "dataplane/base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Formats into the stack and writes once: the heap or stdio may be what is broken.
void check_failed(const char *file, int line, const char *text)
{
    char message[512];
    int size = snprintf(message, sizeof(message), "%s:%d: check failed: %s\n", file, line, text);
    if (size > (int)sizeof(message) - 1) size = (int)sizeof(message) - 1;
    if (size > 0 && write(STDERR_FILENO, message, (size_t)size) < 0) abort();
    abort();
}
