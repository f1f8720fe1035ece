// key_commands.h: a key as commands that make it, for a base file of commands: written in slices,
// as it was when it was begun.
//
// Source:  spec/aof.md chapter 6 (RESP base content): what Redis 7.0 writes, and 7.4 of a hash's
//          fields with deadlines
// Thread:  the shard
// Memory:  a cut of the value; the output is the caller's
//
//   string  SET                     list  RPUSH    set  SADD    zset  ZADD
//   hash    HMSET, then HPEXPIREAT for each field that has a deadline
//   stream  XADD for each entry, XSETID; for each group XGROUP CREATE; for each of its consumers
//           XGROUP CREATECONSUMER, and XCLAIM for each entry that is pending
//   and PEXPIREAT behind it. A command has up to KEY_COMMANDS_ELEMENTS elements.
//
// What no command says is lost, as it is with Redis: when the key was last used, when a consumer
// was, and that an entry is still pending which was deleted. Other than with Redis, consumers who
// have nothing else are kept: each is created by itself.
#pragma once
#include "dataplane/types/value_cut.h"
#include "storage/rdb/rdb_buffer.h"

enum {
    KEY_COMMANDS_ELEMENTS = 64,          // as Redis has it
    KEY_COMMANDS_ONCE_BYTES = 64 * 1024, // a longer text is written in several steps
    KEY_COMMANDS_TEXTS_MAX = 12,         // of an item: XCLAIM
    KEY_COMMANDS_NUMBERS_MAX = 3,        // of these texts
    KEY_COMMANDS_NUMBER_BYTES = 48,      // an ID, a score
};

struct key_commands_stream {
    uint32_t phase;
    uint32_t group, consumer; // under way
    struct stream_pending_iter pending;
};

struct key_commands {
    // All of it is key_commands*.c's.
    struct rdb_buffer *out; // borrowed, as is what follows
    struct bytes name;
    uint64_t deadline_ms; // KEYSPACE_NO_DEADLINE: none, or it is written
    struct value_cut cut;
    union value_iter iter;
    uint64_t spent;       // of the budget
    uint64_t left;        // of a string and of elements, what is not written yet
    uint32_t command_has; // of those, elements that the command under way is to have
    // The item under way: a command's beginning, or an element of it.
    struct bytes texts[KEY_COMMANDS_TEXTS_MAX];
    uint32_t text_count, text_at, number_count;
    size_t text_written; // bytes of texts[text_at]
    char numbers[KEY_COMMANDS_NUMBERS_MAX][KEY_COMMANDS_NUMBER_BYTES];
    struct {
        uint64_t deadlines_left; // fields whose deadline is not written yet
        bool is_again;           // iter goes over them for their deadlines
    } hash;
    struct key_commands_stream stream;
};

// Takes a cut of e's value (value_cut.h). name: e's key, where it lies until the end. Fields of a
// hash that expired by now_ms are left out; false: that left nothing, and there is nothing to be
// ended.
bool key_commands_begin(struct key_commands *c, struct keyspace *k, const struct entry *e,
                        struct bytes name, struct rdb_buffer *out, uint64_t now_ms);
// Writes about `budget` elements, of which one stands for 128 bytes of text, too, or a piece of a
// long text. True: all is written. Between steps the caller may take what is in out.
bool key_commands_step(struct key_commands *c, uint32_t budget);
void key_commands_end(struct key_commands *c); // at any time after begin
// All of that at once, of a small value. A hash may leave nothing.
void key_commands_put(struct keyspace *k, const struct entry *e, struct rdb_buffer *out,
                      uint64_t now_ms);
// One command, as it is.
void key_commands_put_one(struct rdb_buffer *out, const struct bytes *argv, uint32_t argc);

// ---- between the files key_commands*.c
// An item that begins a command of argc texts, the first of which is its name; others are added.
void key_commands_start(struct key_commands *c, uint64_t argc, const char *name);
void key_commands_add(struct key_commands *c, struct bytes text); // borrowed until it is written
void key_commands_add_number(struct key_commands *c, int64_t value);
void key_commands_add_id(struct key_commands *c, struct stream_id id);
void key_commands_stream_begin(struct key_commands *c);
bool key_commands_stream_item(struct key_commands *c); // the next one, or none yet; false: no more
