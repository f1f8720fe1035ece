// stream_trim_args.h: what XADD and XTRIM are told about trimming.
//
// Source:  Redis 7.2: XADD, XTRIM; spec/aof.md chapter 4
// Thread:  the shard
// Memory:  refers to arguments by index
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/stream_value.h"

struct stream_add_args {
    bool no_make;         // NOMKSTREAM
    bool has_id, any_seq; // else "*"; "ms-*"
    struct stream_id id;
    uint32_t id_index; // of the ID; argc: there is none
    bool trims;
    struct stream_trim trim;
    uint32_t value_index; // of the number or ID to trim to; behind '~' when approximate
};
// Options from argv[2] on, up to XADD's ID. False: the error was replied.
bool stream_trim_parse(struct call *call, bool is_add, struct stream_add_args *a);
// The command with what it came to: the entry's ID, and '=' for '~'.
void stream_trim_effect(struct call *call, const struct stream_add_args *a, struct stream_id id,
                        const struct stream_facts *now);
// The two halves of it, when others are served in between: XADD without trimming, then XTRIM.
void stream_add_effect(struct call *call, const struct stream_add_args *a, struct stream_id id);
void stream_trim_effect_alone(struct call *call, const struct stream_add_args *a,
                              const struct stream_facts *now);
