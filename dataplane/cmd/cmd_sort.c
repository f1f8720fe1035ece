#include "dataplane/base/status.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/sort_job.h"

static command_body cmd_sort_rw, cmd_sort_ro;

// clang-format off
const struct command cmd_sort[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SORT, "sort", cmd_sort_rw, -2, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS,
            ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS),
    COMMAND(SORT_RO, "sort_ro", cmd_sort_ro, -2, 1, 1, 1, CMD_READONLY | CMD_MOVABLEKEYS,
            ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS),
};
// clang-format on

static void add_get(struct call *call, struct sort_options *o, uint32_t argument)
{
    if (o->get_count == o->get_room) {
        uint32_t room = o->get_room ? 2 * o->get_room : 4;
        o->gets = heap_resize(call->server->heap, o->gets, o->get_room * sizeof o->gets[0],
                              room * sizeof o->gets[0], HEAP_OTHER);
        o->get_room = room;
    }
    struct sort_pattern *get = &o->gets[o->get_count++];
    sort_pattern_init(get, call, argument);
    o->get_lookups += sort_pattern_looks_up(get);
}

static void set_by(struct call *call, struct sort_options *o, uint32_t argument)
{
    sort_pattern_init(&o->by, call, argument);
    // Redis remembers a constant for good, and takes the last pattern that is none.
    o->no_sort |= !sort_pattern_looks_up(&o->by);
    o->has_by = true;
}

// Keys that no argument names: no user may read them who may not read all.
static bool may_look_up(struct call *call, const char *option)
{
    if (acl_may_read_all_keys(call)) return true;
    reply_errorf(call->reply, "ERR %s option of SORT denied due to insufficient ACL permissions.",
                 option);
    return false;
}

// The option at argv[i]; returns how many arguments it takes, 0 after an error.
static uint32_t parse_option(struct call *call, struct sort_options *o, uint32_t i, bool may_store)
{
    struct bytes word = call->argv[i];
    uint32_t left = call->argc - i - 1;
    if (bytes_is_option(word, "asc") || bytes_is_option(word, "desc")) {
        o->descends = bytes_is_option(word, "desc");
        return 1;
    }
    if (bytes_is_option(word, "alpha")) {
        o->alpha = true;
        return 1;
    }
    if (bytes_is_option(word, "limit") && left >= 2) {
        bool good =
            call_int(call, i + 1, &o->start, NULL) && call_int(call, i + 2, &o->limit, NULL);
        return good ? 3 : 0;
    }
    if (may_store && bytes_is_option(word, "store") && left >= 1) {
        o->store = i + 1;
        return 2;
    }
    if (bytes_is_option(word, "by") && left >= 1) {
        set_by(call, o, i + 1);
        if (sort_pattern_looks_up(&o->by) && !may_look_up(call, "BY")) return 0;
        return 2;
    }
    if (bytes_is_option(word, "get") && left >= 1) {
        if (!may_look_up(call, "GET")) return 0;
        add_get(call, o, i + 1);
        return 2;
    }
    reply_error(call->reply, reply_text_syntax);
    return 0;
}

static bool parse_options(struct call *call, struct sort_options *o, bool may_store)
{
    for (uint32_t i = 2, taken; i < call->argc; i += taken) {
        taken = parse_option(call, o, i, may_store);
        if (taken == 0) return false;
    }
    return true;
}

// A stored result may not depend on the order that a set happens to have: it is sorted all the
// same, by its members.
static void settle_order(struct sort_options *o, enum value_type type)
{
    if (!o->no_sort || type != TYPE_SET || !o->store) return;
    o->no_sort = o->has_by = false;
    o->alpha = true;
}

static void sort(struct call *call, bool may_store)
{
    struct sort_options options = { .limit = -1 };
    struct key key = call_key(call, 1);
    bool good = parse_options(call, &options, may_store);
    struct entry *e = good ? call_find(call, &key, FIND_READ) : NULL;
    if (e && !sort_source_takes(entry_type(e))) {
        reply_error(call->reply, reply_text_wrong_type);
        good = false;
    }
    if (good) {
        settle_order(&options, e ? entry_type(e) : TYPE_LIST);
        sort_run(call, e, &options);
    } else {
        heap_give(call->server->heap, options.gets, options.get_room * sizeof options.gets[0],
                  HEAP_OTHER);
    }
}

static void cmd_sort_rw(struct call *call) { sort(call, true); }

static void cmd_sort_ro(struct call *call) { sort(call, false); }
