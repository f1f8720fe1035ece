// script_priv.h: what the files of this folder share: the host and its parts.
//
// Thread:  the host's
// Memory:  see script_host.h
#pragma once
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
// These two need what stands before.
#include <lua-bitop.h>
#include <lua-cjson.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/outq.h"
#include "dataplane/script/script_host.h"

enum {
    SCRIPT_CAPTURE_BYTES = 16 * 1024, // a reply of redis.call up to this size takes no allocation
    SCRIPT_KEEP_BYTES = 64 * 1024,    // of a buffer that grew, kept for the next use
    // One block of Lua's: no string of a script can be larger. cjson counts in int.
    SCRIPT_BLOCK_BYTES_MAX = 512 * 1024 * 1024,
    SCRIPT_GC_RUNS = 50, // as Redis: so many runs, then so many KiB of collection
    SCRIPT_CLASS_BYTES = 16,
    SCRIPT_CLASS_COUNT = 16,            // blocks of up to 256 bytes are kept for reuse, by size ...
    SCRIPT_FREE_BYTES_MAX = 256 * 1024, // ... up to so much in all
};

// A buffer on the heap that grows.
struct script_buffer {
    uint8_t *data;
    size_t size, capacity;
};

// Where the reply of a command is caught: its first block is part of the host.
struct script_capture {
    struct piece_source source;
    struct outq out;
    struct reply reply;
    struct heap *heap;
    struct piece first;
    bool first_is_taken;
    struct script_buffer flat; // a reply of several pieces, put together
    uint8_t block[SCRIPT_CAPTURE_BYTES];
};

// Free blocks of Lua's by size: most of its objects are small and short-lived.
struct script_free {
    struct script_free *next;
};
struct script_blocks {
    struct script_free *free[SCRIPT_CLASS_COUNT + 1]; // by size / SCRIPT_CLASS_BYTES, rounded up
    uint32_t free_bytes;
};

struct script_table {
    struct script_node **by_sha, **by_body; // 2^bits chains each
    uint32_t bits;
    uint64_t count, bytes;
};

// Places of the registry, by number.
enum script_ref {
    SCRIPT_REF_HANDLER = 1, // of errors
    SCRIPT_REF_GLOBALS,     // the table behind _G
    SCRIPT_REF_GLOBALS_META,
    SCRIPT_REF_LOAD_GLOBALS, // what a library sees while it is loaded
    SCRIPT_REF_STRING_META,  // what getmetatable("") shows
    SCRIPT_REF_COUNT
};

struct script_load { // a library being loaded
    struct script_library *library;
};

struct script_host {
    lua_State *lua;
    struct heap *heap; // borrowed, as the next two
    const struct script_host_ops *ops;
    void *context;
    enum script_kind kind;

    const struct script_call *call; // of the run under way, NULL between runs
    struct script_load *load;       // likewise
    const char *killed;             // what poll said
    bool is_protected;              // Lua may raise: memory may be refused
    bool was_refused;               // memory, in this run
    bool gc_is_touched;             // the script turned a knob of the collector
    uint8_t resp;                   // redis.setresp
    uint64_t random;                // 48 bits
    uint32_t gc_runs;
    uint64_t vm_bytes, vm_bytes_max;
    uint64_t library_count, library_bytes;
    struct script_library *libraries;
    bool is_emptied; // of script_host_shrink, as the next
    size_t shrink_at;

    struct script_buffer error;   // *error of the public functions
    struct script_buffer scratch; // numbers as arguments, log lines
    struct bytes *args;
    uint32_t args_capacity;
    struct script_table scripts;
    struct hash_key hash_key;
    struct script_blocks blocks;
    // Of Debian's libraries, behind guards of ours.
    lua_CFunction string_find, string_match, string_gmatch, string_gsub, string_rep, collectgarbage;
    lua_CFunction cjson_encode, cjson_decode, cjson_new;
    struct script_capture capture;
};

// The host of any state of Lua's: the allocator's own argument.
static inline struct script_host *script_host_of(lua_State *L)
{
    void *host;
    lua_getallocf(L, &host);
    return host;
}

// ---- script_memory.c
void *script_allocate(void *host, void *block, size_t old_size, size_t new_size); // lua_Alloc
void script_blocks_free(struct script_host *h);
uint8_t *script_buffer_room(struct heap *heap, struct script_buffer *b, size_t more);
void script_buffer_append(struct heap *heap, struct script_buffer *b, struct bytes bytes);
void script_buffer_free(struct heap *heap, struct script_buffer *b);
void script_buffer_trim(struct heap *heap, struct script_buffer *b); // empties it; keeps a little
// *error of the public functions.
struct bytes script_host_error(struct script_host *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- script_capture.c
void script_capture_init(struct script_capture *c, struct heap *heap);
void script_capture_free(struct script_capture *c);
struct reply *script_capture_begin(struct script_capture *c, uint8_t version);
struct bytes script_capture_end(struct script_capture *c); // valid until script_capture_clear
void script_capture_clear(struct script_capture *c);

// ---- script_sandbox.c
void script_sandbox_open(struct script_host *h); // protected: raises when memory is refused
// Replaces the table on the top by one that shows the same and cannot be changed. meta: stack index
// of what getmetatable shall show of it, 0: nothing. The table may have a metatable for what it
// lacks.
void script_table_seal(lua_State *L, int meta);
// When the value at index is a sealed table, pushes what is behind it.
bool script_table_unseal(lua_State *L, int index);
bool script_table_is_sealed(lua_State *L, int index);
bool script_table_push_meta(lua_State *L, int index); // of a sealed one: what it shows, or nil
// The table on the top raises for names that it lacks. Pushes what getmetatable shall show of it.
void script_table_make_strict(lua_State *L);
int script_raise_readonly(lua_State *L, bool with_place); // with_place: "user_script:1: " before it

// ---- the parts of the world, each sets what it has in the table on the top or in globals
void script_open_base(struct script_host *h);  // script_base.c; the table on the top: globals
void script_open_text(struct script_host *h);  // script_text.c: load, loadstring, string's guards
void script_open_redis(struct script_host *h); // script_redis.c
void script_open_load(struct script_host *h);  // script_library.c; pushes the table
void script_open_math(struct script_host *h);  // script_math.c: math.random, bit
void script_open_cjson(struct script_host *h);
void script_open_msgpack(struct script_host *h);
void script_open_struct(struct script_host *h);
struct script_function_row {
    const char *name;
    lua_CFunction function;
};
// Into the table on the top.
void script_set_functions(lua_State *L, const struct script_function_row *rows, size_t count);
#define SCRIPT_SET_FUNCTIONS(L, rows)                                                              \
    script_set_functions((L), (rows), sizeof(rows) / sizeof *(rows))

void script_open_log(lua_State *L); // log, LOG_*, REDIS_VERSION: also of libraries being loaded
int script_error_handler(lua_State *L);
// Pushes {err = text}, "ERR " before it when text has no dash in front; a dash is taken off.
void script_push_error(lua_State *L, struct bytes text);
int script_raise(lua_State *L, const char *text); // as redis.* raises: {err = "ERR text"}
void script_hook(lua_State *L, lua_Debug *debug);
// From loops of C that a script may make long: does now and then what the hook does, and may raise.
enum { SCRIPT_TICK_STEPS = 8192 };
void script_poll(lua_State *L);
static inline void script_tick(lua_State *L, uint64_t step)
{
    if (step % SCRIPT_TICK_STEPS == SCRIPT_TICK_STEPS - 1) script_poll(L);
}
bool script_compile(struct script_host *h, lua_State *L, struct bytes code, const char *name);

// ---- script_wire.c: RESP to Lua
enum { SCRIPT_WIRE_DEPTH_MAX = 128 };
// Pushes one value; false when it is an error. In a protected call.
bool script_push_wire(lua_State *L, struct bytes wire);

// ---- script_reply.c: Lua to RESP
// Takes the value off the top.
void script_write_reply(struct script_host *h, lua_State *L, struct reply *reply);
// Of an error value at the top: its text and place.
struct script_failure {
    const char *text; // Lua's or a constant, lives while the value does
    const char *source, *line;
    bool is_counted;
};
void script_failure_read(lua_State *L, struct script_failure *out); // pushes a few values

// ---- script_cache.c
void script_cache_free(struct script_host *h);
bool script_cache_shrink(struct script_host *h); // drops a few; true when there is none
int script_callback(const struct script *script);
// ---- script_library.c
void script_libraries_free(struct script_host *h);
bool script_libraries_shrink(struct script_host *h);
// ---- script_head.c
uint32_t script_flag_find(struct bytes name); // 0: unknown
