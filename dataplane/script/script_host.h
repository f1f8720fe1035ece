// script_host.h: Lua 5.1 as Redis offers it to scripts (EVAL) and to libraries of functions
// (FUNCTION, FCALL): one closed world of Lua, its sandbox, and the way between Lua values and RESP.
//
// Source:  Redis 7.2's behaviour (globals, errors, conversions), compared with a real server by
//          tests
// Thread:  the shard that opened it, on whichever C stack: SCRIPT_STACK_BYTES is enough for the
//          worst script (deep recursion through gsub, pcall, the parser, cjson, cmsgpack)
// Memory:  all on the shard's heap (HEAP_SCRIPTS), cjson's own buffers apart
// It knows no command, client or key: redis.call and the like go through struct script_host_ops.
// A host runs one script at a time: a run may leave its C stack inside an operation (a fiber) and
// come back, but nothing else may be asked of that host meanwhile, but what says so here.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"
#include "dataplane/resp/resp_write.h"

enum {
    SCRIPT_SHA_CHARS = 40,
    // Address space, of which a common script touches a few KiB.
    SCRIPT_STACK_BYTES = 8 * 1024 * 1024,
    SCRIPT_POLL_INSTRUCTIONS = 10000, // of Lua's machine: some 50 to 100 us
};

enum script_kind { SCRIPT_KIND_EVAL, SCRIPT_KIND_FUNCTIONS };

// Flags of a script's shebang and of a function.
enum script_flags {
    SCRIPT_NO_WRITES = 1 << 0,
    SCRIPT_ALLOW_OOM = 1 << 1,
    SCRIPT_ALLOW_STALE = 1 << 2,
    SCRIPT_NO_CLUSTER = 1 << 3,
    SCRIPT_ALLOW_CROSS_SLOT_KEYS = 1 << 4,
    SCRIPT_FLAG_COUNT = 5,
    SCRIPT_COMPATIBLE = 1 << 5, // a script for EVAL without a shebang: no flags were declared
};
// "no-writes" and so on, for bit (1 << index): FUNCTION LIST, and the shebang's words.
extern const char *const script_flag_names[SCRIPT_FLAG_COUNT];

enum script_acl { SCRIPT_ACL_ALLOWED, SCRIPT_ACL_DENIED, SCRIPT_ACL_UNKNOWN_COMMAND };
enum script_log_level {
    SCRIPT_LOG_DEBUG,
    SCRIPT_LOG_VERBOSE,
    SCRIPT_LOG_NOTICE,
    SCRIPT_LOG_WARNING
};
enum script_repl {
    SCRIPT_REPL_NONE = 0,
    SCRIPT_REPL_AOF = 1,
    SCRIPT_REPL_REPLICA = 2,
    SCRIPT_REPL_ALL = 3
};

// What a script may reach. Called on the run's C stack, with its host's context. None may be NULL.
// An operation may switch stacks and return later; it must not longjmp out.
struct script_host_ops {
    // redis.call and redis.pcall: runs one command and writes exactly one reply, in
    // reply->version (2, or what redis.setresp said), errors as in reply_error ("ERR ..."). Redis's
    // texts for what a script may not do ("ERR This Redis command is not allowed from script", ...)
    // are the operation's too. argv lives until the operation returns: it points into Lua's own
    // strings. argc >= 1. reply's queue belongs to the host, and takes blobs by reference.
    void (*command)(void *context, const struct bytes *argv, uint32_t argc, struct reply *reply);
    // Every SCRIPT_POLL_INSTRUCTIONS of a run or a load. NULL: go on. Otherwise the error that ends
    // it, "ERR Script killed by user with SCRIPT KILL..." or so, which lives until the run has
    // returned; pcall cannot hold it. From then on it is called more often, and its answer is not
    // looked at.
    const char *(*poll)(void *context);
    // redis.log; text is not ended by NUL and may hold any byte. Levels below the configured one
    // are dropped by the operation.
    void (*log)(void *context, enum script_log_level level, struct bytes text);
    // Lower-case SHA-1; hex has no terminator. Also names scripts (script_add).
    void (*sha1hex)(void *context, struct bytes data, char hex[SCRIPT_SHA_CHARS]);
    // redis.acl_check_cmd, argc >= 1.
    enum script_acl (*acl_check)(void *context, const struct bytes *argv, uint32_t argc);
    // redis.set_repl with a mask of enum script_repl. Only while a script runs.
    void (*set_repl)(void *context, unsigned mask);
};

struct script_host;

// Some 100 us. ops and context are borrowed for its life. Never NULL.
struct script_host *script_host_open(struct heap *heap, enum script_kind kind,
                                     const struct script_host_ops *ops, void *context);
// Frees every script and library. Takes long when Lua holds much: call script_host_shrink first,
// from slice to slice, when that matters (SCRIPT FLUSH ASYNC: open a new one, shrink the old).
void script_host_close(struct script_host *host);
// The host is about to be closed, nothing runs in it any more. Frees a slice (some 100 us) of what
// its scripts left; true when there is no more.
bool script_host_shrink(struct script_host *host);
bool script_host_is_running(const struct script_host *host);
// What scripts and functions may hold in all; 0 (at first): no limit. What asks for more fails with
// "not enough memory". Besides, no single string or table may grow beyond 512 MiB.
void script_host_set_limit(struct script_host *host, uint64_t vm_bytes_max);

struct script_memory {
    uint64_t vm_bytes;     // Lua's: used_memory_vm_eval, used_memory_vm_functions
    uint64_t cached_bytes; // what is kept beside it (texts, tables): used_memory_scripts_eval
    uint64_t count;        // scripts, or libraries
};
// May be asked for while it runs.
void script_host_memory(const struct script_host *host, struct script_memory *out);

// ---- Shebangs --------------------------------------------------------------------------------

struct script_head {
    uint32_t flags; // enum script_flags; SCRIPT_COMPATIBLE without a shebang
    size_t skip;    // bytes of the first line that are not Lua; its line feed stays
};
// error: borrowed, lives until the host's next use; ready for reply_error_bytes ("ERR ...").
bool script_parse_shebang(struct script_host *host, struct bytes body, struct script_head *out,
                          struct bytes *error);

struct script_library_head {
    struct bytes engine, name; // views of the host's own copy of the line, until its next use
    struct bytes code;         // view of the body behind the shebang
};
// "#!lua name=mylib". Does not look at what the engine and the name are: the caller says "ERR
// Engine 'x' not found", script_name_is_valid does the rest.
bool script_parse_library(struct script_host *host, struct bytes body,
                          struct script_library_head *out, struct bytes *error);
// Names of libraries and functions: one or more of A-Z a-z 0-9 _
bool script_name_is_valid(struct bytes name);

// ---- Scripts: hosts of SCRIPT_KIND_EVAL -------------------------------------------------------

// A compiled script. Owned by the host, until script_drop or script_host_close.
struct script {
    char sha[SCRIPT_SHA_CHARS + 1]; // lower case
    uint32_t flags;                 // enum script_flags
    struct bytes body;              // as it was sent, with its shebang
    uint64_t user;                  // the caller's, 0 at first
};

// By the text itself: no SHA-1 has to be computed for an EVAL that was seen before. NULL: unknown.
// This one and the next may be asked while it runs.
struct script *script_find_body(struct script_host *host, struct bytes body);
// By its SHA-1 in any case (EVALSHA, SCRIPT EXISTS); not 40 characters: NULL.
struct script *script_find_sha(struct script_host *host, struct bytes sha);
// Compiles body, which is copied. The script that was there before when it is known already.
// NULL: *error says why, as above: "ERR Error compiling script (new function): user_script:1: ...".
struct script *script_add(struct script_host *host, struct bytes body, struct bytes *error);
void script_drop(struct script_host *host, struct script *script); // not while it runs

// ---- Libraries: hosts of SCRIPT_KIND_FUNCTIONS -------------------------------------------------

struct script_function {
    struct bytes name;
    struct bytes description; // data NULL: none
    uint32_t flags;           // enum script_flags
    int callback;             // the host's
    struct script_library *library;
    uint64_t user; // the caller's, 0 at first
};

// Owned by the host, until script_library_drop or script_host_close.
struct script_library {
    struct script_function *functions; // in the order of their registration
    uint32_t function_count;           // >= 1
    // The host's:
    uint32_t function_capacity;
    size_t bytes;
    struct script_library *previous, *next;
};

// Runs code (of script_parse_library) so that it registers its functions. While it runs poll is
// called (Redis: 500 ms, then "ERR FUNCTION LOAD timeout"), log too, the other operations never.
// NULL: *error says why: "ERR Error compiling function: ...", "ERR Error registering functions:
// ...", "ERR No functions registered".
struct script_library *script_library_load(struct script_host *host, struct bytes code,
                                           struct bytes *error);
// Not while it runs. Its functions' names are gone after it.
void script_library_drop(struct script_host *host, struct script_library *library);

// ---- Running ---------------------------------------------------------------------------------

struct script_call {
    const struct bytes *keys, *args; // copied into Lua at once
    uint32_t key_count, arg_count;
    struct reply *reply; // the client's; gets exactly one reply
};

enum script_end {
    SCRIPT_RETURNED,       // its value is the reply (which may be an error that it returned)
    SCRIPT_FAILED,         // an error ended it: an error reply
    SCRIPT_FAILED_COUNTED, // likewise; the error is that of a command of it, counted there already
    SCRIPT_KILLED,         // by poll: an error reply with its text
};

// The errors say where: "ERR ... script: <sha or function>, on @user_script:1." As in Redis an
// error value that the script returned is written as it is.
enum script_end script_run(struct script_host *host, const struct script *script,
                           const struct script_call *call);
enum script_end script_function_run(struct script_host *host,
                                    const struct script_function *function,
                                    const struct script_call *call);
