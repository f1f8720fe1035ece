#include "storage/aof/temporary.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include "dataplane/base/num.h"

static const char prefix[] = "temp-", rewrite_prefix[] = "temp-rewriteaof-",
                  finished_prefix[] = "temp-rewriteaof-bg-";
static const char snapshot_end[] = ".rdb", rewrite_end[] = ".aof";

char *temporary_snapshot_name(char out[TEMPORARY_NAME_MAX])
{
    snprintf(out, TEMPORARY_NAME_MAX, "%s%d%s", prefix, (int)getpid(), snapshot_end);
    return out;
}

static bool is_gone(int64_t process)
{
    return process > 0 && process <= INT32_MAX && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

static bool is_left_over(const char *name, const char *start, const char *end)
{
    size_t skipped = strlen(start);
    int64_t process;
    if (strncmp(name, start, skipped) != 0) return false;
    const char *digits = name + skipped;
    size_t count = strspn(digits, "0123456789");
    return strcmp(digits + count, end) == 0 && num_parse_int(bytes_make(digits, count), &process) &&
           is_gone(process);
}

static bool is_snapshot(const char *name) { return is_left_over(name, prefix, snapshot_end); }

static bool is_rewrite(const char *name)
{
    return is_left_over(name, rewrite_prefix, rewrite_end) ||
           is_left_over(name, finished_prefix, rewrite_end);
}

static void remove_all(bool (*is_left)(const char *name))
{
    DIR *entries = opendir(".");
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (is_left(e->d_name)) (void)unlink(e->d_name);
    closedir(entries);
}

void temporary_remove_snapshots(void) { remove_all(is_snapshot); }

void temporary_remove_rewrites(void) { remove_all(is_rewrite); }
