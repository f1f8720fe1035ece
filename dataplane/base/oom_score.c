#include "dataplane/base/oom_score.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCORE_MIN = -1000, SCORE_MAX = 1000 };

static int open_score(uint32_t pid, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/oom_score_adj", pid);
    return open(path, flags | O_CLOEXEC);
}

bool oom_score_read(uint32_t pid, int64_t *score)
{
    char text[32] = "";
    int fd = open_score(pid, O_RDONLY);
    if (fd < 0) return false;
    bool ok = read(fd, text, sizeof text - 1) > 0;
    close(fd);
    *score = strtol(text, NULL, 10);
    return ok;
}

bool oom_score_write(uint32_t pid, int64_t score)
{
    char text[32];
    if (score < SCORE_MIN) score = SCORE_MIN;
    if (score > SCORE_MAX) score = SCORE_MAX;
    int size = snprintf(text, sizeof text, "%ld", (long)score);
    int fd = open_score(pid, O_WRONLY);
    if (fd < 0) return false;
    bool ok = write(fd, text, (size_t)size) == size;
    close(fd);
    return ok;
}
