// file.h: whole small files: read at once, replaced at once.
//
// Source:  POSIX rename: whoever opens the name sees the old file or the new one, never half of one
// Thread:  control's own; blocks for as long as the disk takes
// Memory:  what is read is malloc'ed, the caller's
#pragma once
#include <stddef.h>
#include <sys/types.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

// ERR_IO: errno tells (EFBIG: more than size_max bytes). *text is NUL-ended behind *size bytes.
enum status file_read(const char *path, size_t size_max, char **text, size_t *size) MUST_USE;
// Through a temporary file beside it, which is synced, as is the folder after the rename. Mode and,
// where that is allowed, owner stay those of the file that was there; a new one has new_mode less
// the umask. ERR_IO: errno tells, and the file is as it was.
enum status file_replace(const char *path, struct bytes text, mode_t new_mode) MUST_USE;
