// function_store.h: libraries of functions by name: FUNCTION LOAD and its like.
//
// Source:  Redis 7.2's behaviour: functions are found in any case, libraries as they are spelled;
//          payloads of FUNCTION DUMP as snapshots hold them (opcode 245, the code as a text)
// Thread:  the shard; loading is called on the scripts' stack (script_run.h)
// Memory:  HEAP_SCRIPTS; what Lua holds of a library is the host's
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/script/script_host.h"

struct rdb_buffer;

enum { FUNCTION_ERROR_MAX = 512 };

struct stored_function {
    struct stored_function *next; // in its bucket
    uint64_t hash;
    const struct script_function *function;
};
struct library {
    struct list_node link; // in store->libraries, oldest first
    struct function_store *store;
    struct script_library *loaded;
    struct stored_function *functions; // loaded->function_count
    size_t bytes;                      // of this allocation
    struct bytes name, code;           // as it was given, with its shebang
    uint8_t text[];
};
struct function_store {
    struct heap *heap; // borrowed
    struct list libraries;
    struct stored_function **buckets; // NULL: none yet
    uint32_t bucket_count, function_count;
    uint64_t bytes; // booked
};

void function_store_open(struct function_store *store, struct heap *heap);
// Drops every library, of host too; host NULL: it is closed as a whole.
void function_store_clear(struct function_store *store, struct script_host *host);

const struct script_function *function_find(const struct function_store *store, struct bytes name);
struct library *library_find(const struct function_store *store, struct bytes name);
void library_drop(struct library *library, struct script_host *host);

// Takes code into store. replaces: a library of that name goes. NULL: error says why, and the store
// is as it was.
struct library *library_load(struct function_store *store, struct script_host *host,
                             struct bytes code, bool replaces, char error[FUNCTION_ERROR_MAX]);
// All libraries of from go into store, or none (false); from is empty afterwards or as it was.
bool function_store_join(struct function_store *store, struct function_store *from,
                         struct script_host *host, bool replaces, char error[FUNCTION_ERROR_MAX]);

// A payload's libraries without its footer, which the caller has checked.
void function_store_dump(const struct function_store *store, struct rdb_buffer *out,
                         bool may_compress);
bool function_store_restore(struct function_store *store, struct script_host *host,
                            struct bytes payload, char error[FUNCTION_ERROR_MAX]);
