// penstockctl_aof_report.h: what check-aof says of a file: lines in redis-check-aof's form, and
// more.
//
// Thread:  one
// Memory:  texts are borrowed
#pragma once
#include "tools/penstockctl_aof_file.h"
#include "tools/penstockctl_print.h"

struct aof_file {
    char *path;         // to open it; owned by whoever made the list
    const char *name;   // as the manifest has it
    const char *role;   // "BASE ", "INCR " or ""
    bool may_end_early; // the last one of its log: a server that was killed was writing it
    struct aof_look look;
};

bool aof_is_sound(const struct aof_look *look);
// Does it end in something that --fix may cut, when the file is its log's last?
bool aof_is_unfinished(const struct aof_look *look);
void aof_say(struct print *p, const struct aof_file *f);
