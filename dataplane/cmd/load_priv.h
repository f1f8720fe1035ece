// load_priv.h: what the files of load.h share.
//
// Thread:  the shard
// Memory:  struct load
#pragma once
#include "dataplane/cmd/load.h"

enum {
    LOAD_SHOWN_BYTES = 128, // of a name from the file
    LOAD_SUM_BYTES = 16 * 1024,
};

// ---- load.c: saying
__attribute__((format(printf, 3, 4))) void load_say(struct load *l, int level, const char *format,
                                                    ...);
__attribute__((format(printf, 3, 4))) enum load_result load_fail(struct load *l, uint64_t offset,
                                                                 const char *format, ...);
// Before load_fail: Redis's own line, which takes the place of the usual one.
__attribute__((format(printf, 2, 3))) void load_set_line(struct load *l, const char *format, ...);
static inline int load_shown(struct bytes text)
{
    return text.size < LOAD_SHOWN_BYTES ? (int)text.size : LOAD_SHOWN_BYTES;
}
static inline const char *load_chars(struct bytes text)
{
    return text.size ? (const char *)text.data : "";
}

// ---- load_keys.c
enum load_result load_key_begin(struct load *l); // l->item is one
enum load_result load_key_step(struct load *l);  // its value
void load_after_value(struct load *l);
// Those that wait, in the file's order: before anything else of the file has an effect, so that
// what is wrong first is told.
enum load_result load_keys_put(struct load *l);
void load_keys_close(struct load *l);
