#include "dataplane/cmd/load_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_cache.h"

enum {
    STEPS_PER_LOOK = 16, // at the clock
    STEP_SKIPS = 2048,
    KEY_BYTES_MIN = 16, // with its value; less is rare, and is no mistake
};

// ---- saying

void load_say(struct load *l, int level, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    l->config.log(l->config.server, level, line);
}

enum load_result load_fail(struct load *l, uint64_t offset, const char *format, ...)
{
    struct load_error *e = &l->error;
    va_list args;
    va_start(args, format);
    vsnprintf(e->reason, sizeof e->reason, format, args);
    va_end(args);
    e->offset = offset;
    if (!e->line[0])
        snprintf(e->line, sizeof e->line,
                 "Internal error in RDB reading offset %lu, function at %s -> %.200s",
                 (unsigned long)offset, "load_step", e->reason);
    return LOAD_FAILED;
}

void load_set_line(struct load *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->error.line, sizeof l->error.line, format, args);
    va_end(args);
}

// ---- beginning and end

bool load_open(struct load *l, const struct load_config *config)
{
    *l = (struct load){ .keys_left = UINT64_MAX,
                        .config = *config,
                        .now_ms = config->server->now_ms };
    switch (rdb_file_open(&l->file, config->server->heap, config->file)) {
    case RDB_FILE_OPEN:
        if (config->flags & LOAD_UNCHECKED) rdb_file_ignore_checksum(&l->file);
        return true;
    case RDB_FILE_SHORT:
        l->error.is_short = true;
        load_fail(l, config->file.size, "the file is shorter than the head of a snapshot");
        return false;
    case RDB_FILE_UNKNOWN:
        load_set_line(l, "Wrong signature trying to load DB from file");
        load_fail(l, 0, "it does not begin with REDIS, as a snapshot does");
        return false;
    default:
        load_set_line(l, "Can't handle RDB format version %u", l->file.version);
        load_fail(l, RDB_FILE_HEAD_BYTES - 4, "versions 1 to %d of the format can be read",
                  RDB_VERSION_READ_MAX);
        return false;
    }
}

void load_close(struct load *l)
{
    load_keys_close(l);
    rdb_file_close(&l->file);
}

// ---- what the file says of itself

static void say_age(struct load *l, int64_t created_s)
{
    int64_t age_s = (int64_t)(l->now_ms / 1000) - created_s;
    load_say(l, LOG_NOTICE, "RDB age %ld seconds", (long)(age_s < 0 ? 0 : age_s));
}

static void read_aux(struct load *l)
{
    struct bytes name = l->item.aux.name, value = l->item.aux.value;
    int64_t number = 0;
    bool is_number = num_parse_int(value, &number);
    if (bytes_equal(name, BYTES_LITERAL("used-mem")) && is_number && number > 0)
        l->used_memory = (uint64_t)number;
    if (l->config.flags & LOAD_QUIET) return;
    if (name.size && name.data[0] == '%')
        load_say(l, LOG_NOTICE, "RDB '%.*s': %.*s", load_shown(name), load_chars(name),
                 load_shown(value), load_chars(value));
    else if (bytes_equal(name, BYTES_LITERAL("redis-ver")))
        load_say(l, LOG_NOTICE, "Loading RDB produced by version %.*s", load_shown(value),
                 load_chars(value));
    else if (bytes_equal(name, BYTES_LITERAL("ctime")) && is_number)
        say_age(l, number);
    else if (bytes_equal(name, BYTES_LITERAL("used-mem")))
        load_say(l, LOG_NOTICE, "RDB memory usage when created %.2f Mb",
                 (double)l->used_memory / (1024 * 1024));
}

// ---- functions

struct library_load {
    struct load *load;
    char error[FUNCTION_ERROR_MAX];
    bool fits;
};

static void load_library(struct call *call, void *context)
{
    struct library_load *a = context;
    struct scripts *s = call->server->scripts;
    s->load_until_ns = UINT64_MAX;
    a->fits = library_load(&s->functions, scripts_host(s, SCRIPT_KIND_FUNCTIONS),
                           a->load->item.function, a->load->config.flags & LOAD_MERGE, a->error);
}

static enum load_result read_function(struct load *l)
{
    struct server *s = l->config.server;
    struct client *nobody = &s->scripts->client;
    struct library_load a = { .load = l };
    struct call call = { .server = s,
                         .client = nobody,
                         .reply = &nobody->reply,
                         .keyspace = s->keyspace,
                         .now_ms = s->now_ms,
                         .no_suspend = true };
    script_on_stack(&call, load_library, &a);
    if (a.fits) return LOAD_MORE;
    const char *why = strncmp(a.error, "ERR ", 4) == 0 ? a.error + 4 : a.error;
    load_set_line(l, "Failed loading library, %.250s", why);
    return load_fail(l, l->item.offset, "a library of functions is refused: %.200s", why);
}

// ---- items

static enum load_result select_database(struct load *l)
{
    int64_t count = l->config.server->settings->databases;
    l->db = (uint32_t)l->item.database;
    if (l->item.database < (uint64_t)count) return LOAD_MORE;
    load_set_line(
        l,
        "FATAL: Data file was created with a Redis server configured to handle more than %ld "
        "databases. Exiting",
        (long)count);
    return load_fail(l, l->item.offset, "it has keys of database %lu",
                     (unsigned long)l->item.database);
}

// The file may say any number of keys: no more are believed than it has room for.
static enum load_result begin_reserve(struct load *l)
{
    const struct server *s = l->config.server;
    uint64_t keys = l->item.resize.keys;
    uint64_t most = (l->config.file.size - l->file.offset) / KEY_BYTES_MIN;
    if (keys > most) keys = most;
    l->reserve_keys = keys / server_peer_count(s);
    l->reserve_position = 0;
    l->phase = LOAD_RESERVE;
    return LOAD_MORE;
}

// A module's name is in the upper 54 bits, nine times six.
static enum load_result refuse_module(struct load *l)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char name[10] = { 0 };
    for (int i = 0; i < 9; i++) name[i] = letters[l->item.module_id >> (58 - 6 * i) & 63];
    load_set_line(l, "The RDB file contains AUX module data I can't load: no matching module '%s'",
                  name);
    return load_fail(l, l->item.offset, "it has data of a module");
}

// Where an item should begin there is a byte that begins none; or it is the item, or the value
// before it, that ends too early.
static enum load_result refuse_item(struct load *l, uint64_t start)
{
    uint64_t offset = l->item.offset;
    bool is_at_start = offset == start && offset < l->config.file.size && !l->value_is_broken;
    uint8_t byte = is_at_start ? l->config.file.data[offset] : RDB_OPCODE_END;
    bool is_opcode = byte >= RDB_OPCODE_SLOT_INFO && byte != RDB_OPCODE_FUNCTION_EARLY;
    l->error.is_short = is_opcode || rdb_skip_knows(byte);
    if (l->error.is_short) return load_fail(l, offset, "%s", l->item.broken);
    return load_fail(l, offset, "Unknown RDB encoding type %u: %s", byte, l->item.broken);
}

static enum load_result end_file(struct load *l)
{
    l->behind_end = l->config.file.size - l->file.offset;
    if (l->item.end.checksum_is_right) {
        bool says = !l->item.end.has_checksum && l->file.sums && l->file.version >= 5;
        if (says && !(l->config.flags & LOAD_QUIET))
            load_say(l, LOG_NOTICE,
                     "RDB file was saved with checksum disabled: no check performed.");
        return LOAD_DONE;
    }
    load_set_line(l, "Wrong RDB checksum expected: (%lx) but got (%lx). Aborting now.",
                  (unsigned long)l->item.end.computed, (unsigned long)l->item.end.stored);
    return load_fail(l, l->item.offset, "RDB CRC error: bytes of the file have changed");
}

static enum load_result next_item(struct load *l)
{
    uint64_t start = l->file.offset;
    rdb_file_next(&l->file, &l->item);
    if (l->item.kind != RDB_ITEM_KEY && load_keys_put(l) == LOAD_FAILED) return LOAD_FAILED;
    switch (l->item.kind) {
    case RDB_ITEM_KEY:
        return load_key_begin(l);
    case RDB_ITEM_AUX:
        read_aux(l);
        return LOAD_MORE;
    case RDB_ITEM_FUNCTION:
        return read_function(l);
    case RDB_ITEM_DATABASE:
        return select_database(l);
    case RDB_ITEM_RESIZE:
        return begin_reserve(l);
    case RDB_ITEM_SLOT_INFO:
        return LOAD_MORE;
    case RDB_ITEM_MODULE_AUX:
        return refuse_module(l);
    case RDB_ITEM_END:
        return end_file(l);
    default:
        return refuse_item(l, start);
    }
}

// What is broken is told with the next item.
static enum load_result pass_over(struct load *l)
{
    enum rdb_result result = rdb_file_skip_step(&l->file, STEP_SKIPS);
    l->value_is_broken = result == RDB_BROKEN;
    if (result != RDB_MORE) load_after_value(l);
    return LOAD_MORE;
}

static enum load_result step(struct load *l)
{
    switch (l->phase) {
    case LOAD_ITEM:
        return next_item(l);
    case LOAD_VALUE:
        return load_key_step(l);
    case LOAD_PASS_OVER:
        return pass_over(l);
    case LOAD_RESERVE:
        if (keyspace_reserve_step(l->config.server->keyspace, l->db, l->reserve_keys,
                                  &l->reserve_position))
            l->phase = LOAD_ITEM;
        return LOAD_MORE;
    default:
        if (rdb_file_sum_step(&l->file, LOAD_SUM_BYTES)) l->phase = LOAD_ITEM;
        return LOAD_MORE;
    }
}

enum load_result load_step(struct load *l, uint64_t until_tsc)
{
    enum load_result result = LOAD_MORE;
    bool goes_on = l->keys_left > 0;
    do {
        for (uint32_t i = 0; i < STEPS_PER_LOOK && goes_on; i++) {
            result = step(l);
            goes_on = result == LOAD_MORE && l->keys_left > 0;
        }
    } while (goes_on && job_may_go_on(until_tsc));
    return result;
}
