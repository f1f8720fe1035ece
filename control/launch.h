// launch.h: starting the dataplane's process, watching it end, and finding one that runs already.
//
// Thread:  control's own
// Memory:  struct child is embedded; owns its pidfd. A pidfd names the process for good, so a
// recycled pid is never signalled
// The dataplane must survive control: it gets no death signal and no pipe of ours. Its own lines
// come through the region; what libraries print (EAL) goes to the log file, opened by the child for
// append, or to the standard output and error that control was given.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "dataplane/base/status.h"

struct child {
    pid_t pid; // 0: none
    int pidfd; // readable once it has ended; -1: none
    bool ours; // started by us: its exit status can be had
};
struct child_end {
    bool known;    // false: adopted, somebody else collects its status
    int exit_code; // when signal is 0
    int signal;    // that killed it
};

void child_init(struct child *c);
// Where the dataplane's program is: PENSTOCK_DATAPLANE, else beside our own. False: path too long.
bool child_program(char *out, size_t capacity);
// log_path "": inherit. 0, or the errno of what failed.
int child_start(struct child *c, const char *program, const char *region_name,
                const char *log_path);
// Takes over pid, which the region says is its dataplane; ERR_PEER when that process does not have
// the region mapped (a wrong pid), ERR_IO when it is gone.
enum status child_adopt(struct child *c, pid_t pid, const char *region_name) MUST_USE;
void child_kill(const struct child *c, int signal);
// After pidfd became readable: how it ended. Forgets the child.
struct child_end child_collect(struct child *c);
