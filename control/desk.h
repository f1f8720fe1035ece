// desk.h: where the dataplane's errands are done: files are read and written here, because a shard
// must not wait for a disk (lane/errand_slot.h).
//
// Source:  Redis 7.2's CONFIG REWRITE and ACL files
// Thread:  control's own; blocks for as long as the disk takes
// Memory:  embedded; everything is borrowed
#pragma once
#include <stdbool.h>
#include "control/log.h"
#include "dataplane/lane/bell.h"
#include "dataplane/lane/region.h"

struct desk {
    struct log *log;
    struct region *region;
    struct bell *bell;
    const char *config_file; // absolute; "" or "-": there is none
    const char *acl_file;    // "": there is none
    int64_t shards_asked;    // what the file keeps; the dataplane knows only the number in effect
    bool restarted;          // an errand that another control began may be waiting
};
// One errand, when one waits. True: there was one.
bool desk_poll(struct desk *d);
