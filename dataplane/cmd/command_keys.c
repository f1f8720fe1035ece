// command_keys.c: where a command's keys are, from its key specs.
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"

const char *const key_flag_names[KEY_FLAG_COUNT] = {
    "RO",     "RW",     "OW",      "RM",         "access",         "update",
    "insert", "delete", "not_key", "incomplete", "variable_flags",
};

bool command_has_keys(const struct command *row)
{
    const struct command_docs *docs = &command_docs[row->id];
    for (uint32_t i = 0; i < docs->key_spec_count; i++)
        if (!(docs->key_specs[i].flags & KEY_NOT_KEY)) return true;
    return false;
}

// XREAD and XREADGROUP read their options in turn: a group may be called STREAMS, too. First
// stream; 0: they have none.
static int64_t find_streams(const struct bytes *argv, int64_t argc)
{
    for (int64_t i = 1; i < argc; i++) {
        if (bytes_is_option(argv[i], "streams")) return i + 1;
        if (bytes_is_option(argv[i], "block") || bytes_is_option(argv[i], "count"))
            i++;
        else if (bytes_is_option(argv[i], "group"))
            i += 2;
    }
    return 0;
}

// First argument that belongs to the spec; 0: the spec does not apply.
// GEORADIUS: of several the last counts, and what a keyword takes is none.
static int64_t find_radius_store(const struct command_key_spec *spec, const struct bytes *argv,
                                 int64_t argc)
{
    int64_t found = 0;
    for (int64_t i = spec->start; i + 1 < argc; i++) {
        if (!bytes_is_option(argv[i], "store") && !bytes_is_option(argv[i], "storedist")) continue;
        if (bytes_is_option(argv[i], spec->keyword)) found = i + 1;
        i++;
    }
    return found;
}

// First argument that belongs to the spec; 0: the spec does not apply.
static int64_t find_begin(const struct command *row, const struct command_key_spec *spec,
                          const struct bytes *argv, int64_t argc)
{
    if (spec->begin == KEY_BEGIN_INDEX) return spec->start;
    if (spec->begin != KEY_BEGIN_KEYWORD) return 0;
    if (row->id == CMD_ID_XREAD || row->id == CMD_ID_XREADGROUP) return find_streams(argv, argc);
    if (row->id == CMD_ID_GEORADIUS || row->id == CMD_ID_GEORADIUSBYMEMBER)
        return find_radius_store(spec, argv, argc);
    int64_t step = spec->start < 0 ? -1 : 1;
    int64_t at = spec->start < 0 ? argc + spec->start : spec->start;
    for (; at > 0 && at < argc; at += step)
        if (bytes_is_option(argv[at], spec->keyword)) return at + 1;
    return 0;
}

struct key_range {
    int64_t first, last, step;
};

static bool find_range(const struct command_key_spec *spec, const struct bytes *argv, int64_t argc,
                       int64_t begin, struct key_range *range)
{
    const int16_t *v = spec->find_values;
    if (spec->find == KEY_FIND_RANGE) {
        int64_t last = v[0] >= 0 ? begin + v[0] : argc + v[0];
        if (v[0] < 0 && v[2] > 1) // a part of what is left
            last = begin + (argc - begin) / v[2] + v[0];
        *range = (struct key_range){ begin, last, v[1] };
        return true;
    }
    if (spec->find == KEY_FIND_KEYNUM && begin + v[0] < argc) {
        int64_t count;
        if (!num_parse_int(argv[begin + v[0]], &count) || count < 0 || count > argc) return false;
        *range = (struct key_range){ begin + v[1], begin + v[1] + (count - 1) * v[2], v[2] };
        return true;
    }
    return false;
}

// BITFIELD with GETs alone only reads; what it does not understand counts as a change.
static uint32_t bitfield_flags(uint32_t flags, const struct bytes *argv, uint32_t argc)
{
    for (uint32_t i = 2; i < argc; i++) {
        uint32_t left = argc - i - 1;
        if (left >= 2 && bytes_is_option(argv[i], "get"))
            i += 2;
        else if (left >= 1 && bytes_is_option(argv[i], "overflow"))
            i++;
        else
            return flags;
    }
    return KEY_RO | KEY_ACCESS;
}

// SET returns the old value only with GET: then it reads, too.
static uint32_t actual_flags(const struct command *row, const struct command_key_spec *spec,
                             const struct bytes *argv, uint32_t argc)
{
    uint32_t flags = spec->flags & ~(uint32_t)KEY_VARIABLE_FLAGS;
    if (row->id == CMD_ID_BITFIELD) return bitfield_flags(flags, argv, argc);
    if (row->id != CMD_ID_SET) return flags;
    for (uint32_t i = 3; i < argc; i++)
        if (bytes_is_option(argv[i], "get")) return flags;
    return KEY_OW | KEY_UPDATE;
}

// SORT's destination may stand anywhere, which key specs cannot say. Of several the last counts;
// what belongs to another option is none.
static void find_sort_store(const struct bytes *argv, uint32_t argc, command_key_found *found,
                            void *context)
{
    uint32_t store = 0;
    for (uint32_t i = 2; i < argc; i++) {
        if (bytes_is_option(argv[i], "limit"))
            i += 2;
        else if (bytes_is_option(argv[i], "get") || bytes_is_option(argv[i], "by"))
            i++;
        else if (bytes_is_option(argv[i], "store") && i + 1 < argc)
            store = ++i;
    }
    if (store) found(context, store, KEY_OW | KEY_UPDATE);
}

bool command_find_keys_of(const struct command *row, const struct command_key_spec *spec,
                          const struct bytes *argv, uint32_t argc, command_key_found *found,
                          void *context)
{
    struct key_range range;
    if (spec->flags & KEY_NOT_KEY) return true;
    if (row->id == CMD_ID_SORT || row->id == CMD_ID_SORT_RO) {
        if (spec->flags & KEY_OW) find_sort_store(argv, argc, found, context);
        if (spec->begin == KEY_BEGIN_UNKNOWN) return true; // BY and GET name no certain key
    }
    int64_t begin = find_begin(row, spec, argv, argc);
    if (begin <= 0 || begin >= argc) return spec->begin == KEY_BEGIN_KEYWORD;
    if (!find_range(spec, argv, argc, begin, &range)) return false;
    if (range.first >= argc || range.last >= argc || range.step < 1) return false;
    for (int64_t i = range.first; i <= range.last; i += range.step)
        found(context, (uint32_t)i, actual_flags(row, spec, argv, argc));
    return true;
}

bool command_find_keys(const struct command *row, const struct bytes *argv, uint32_t argc,
                       command_key_found *found, void *context)
{
    const struct command_docs *docs = &command_docs[row->id];
    for (uint32_t i = 0; i < docs->key_spec_count; i++)
        if (!command_find_keys_of(row, &docs->key_specs[i], argv, argc, found, context))
            return false;
    return docs->key_spec_count > 0;
}
