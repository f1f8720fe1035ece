#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/stream_read.h"

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool is_word(struct bytes text, char word)
{
    return text.size > 0 && text.data[0] == word && (text.size == 1 || text.data[1] == '\0');
}

// ---- options

struct options {
    bool blocks, no_ack;
    uint64_t deadline_ms;
    int64_t count; // 0: any number
    uint32_t group_index, first_key, key_count;
};

static bool parse_block(struct call *call, uint32_t index, struct options *o)
{
    int64_t ms;
    if (!call_int(call, index, &ms, "ERR timeout is not an integer or out of range")) return false;
    if (ms < 0) return refuse(call, "ERR timeout is negative");
    if (ms > INT64_MAX - (int64_t)call->now_ms) return refuse(call, "ERR timeout is out of range");
    o->blocks = true;
    o->deadline_ms = ms ? client_deadline(call->client, (uint64_t)ms + call->now_ms) : 0;
    return true;
}

static bool parse_streams(struct call *call, uint32_t first, bool is_group, struct options *o)
{
    uint32_t words = call->argc - first;
    o->first_key = first;
    o->key_count = words / 2;
    if (words % 2 == 0) return true;
    return refuse(call, is_group ? "ERR Unbalanced 'xreadgroup' list of streams: for each stream "
                                   "key an ID or '>' must be specified."
                                 : "ERR Unbalanced 'xread' list of streams: for each stream key an "
                                   "ID or '$' must be specified.");
}

static bool parse_options(struct call *call, bool is_group, struct options *o)
{
    for (uint32_t i = 1; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        uint32_t more = call->argc - i - 1;
        if (more && bytes_is_option(word, "block")) {
            if (!parse_block(call, ++i, o)) return false;
        } else if (more && bytes_is_option(word, "count")) {
            if (!call_int(call, ++i, &o->count, NULL)) return false;
        } else if (more && bytes_is_option(word, "streams")) {
            return parse_streams(call, i + 1, is_group, o);
        } else if (more >= 2 && bytes_is_option(word, "group")) {
            if (!is_group)
                return refuse(call, "ERR The GROUP option is only supported by XREADGROUP. You "
                                    "called XREAD instead.");
            o->group_index = i + 1;
            i += 2;
        } else if (bytes_is_option(word, "noack")) {
            if (!is_group)
                return refuse(call, "ERR The NOACK option is only supported by XREADGROUP. You "
                                    "called XREAD instead.");
            o->no_ack = true;
        } else {
            return refuse(call, reply_text_syntax);
        }
    }
    return refuse(call, reply_text_syntax); // without STREAMS
}

// ---- IDs

// XREADGROUP's '$', XREAD's '>'.
static bool refuse_word(struct call *call, bool is_group)
{
    return refuse(call, is_group
                            ? "ERR The $ ID is meaningless in the context of XREADGROUP: you want "
                              "to read the history of this consumer by specifying a proper ID, or "
                              "use the > ID to get new messages. The $ ID would just return an "
                              "empty result set."
                            : "ERR The > ID can be specified only when calling XREADGROUP using "
                              "the GROUP <group> <consumer> option.");
}

static bool parse_id(struct call *call, const struct stream_read *r, const struct entry *e,
                     uint32_t index, struct stream_source *source)
{
    struct bytes word = call->argv[r->first_key + r->key_count + index];
    *source = (struct stream_source){ .is_last = is_word(word, '$'), .is_new = is_word(word, '>') };
    if (r->is_group ? source->is_last : source->is_new) return refuse_word(call, r->is_group);
    if (source->is_last) {
        if (e) source->after = stream_now(stream_of(e))->facts.last;
        return true;
    }
    if (source->is_new) return true;
    if (!stream_arg_id(call, r->first_key + r->key_count + index, 0, &source->after, NULL))
        return false;
    // For Redis the largest ID is what '>' is.
    source->is_new = r->is_group && stream_id_compare(source->after, STREAM_ID_MAX) == 0;
    return true;
}

static bool parse_sources(struct call *call, struct stream_read *r)
{
    for (uint32_t i = 0; i < r->key_count; i++) {
        struct key key = stream_read_key(call, r, i);
        struct entry *e;
        if (!stream_find(call, &key, FIND_READ, &e)) return false;
        if (r->is_group &&
            (!e || !stream_group_find(stream_groups(stream_of(e)), call->argv[r->group_index]))) {
            stream_error(call, "NOGROUP No such key '", key.name, "' or consumer group '",
                         call->argv[r->group_index], "' in XREADGROUP with GROUP option");
            return false;
        }
        if (!parse_id(call, r, e, i, &r->sources[i])) return false;
    }
    return true;
}

struct stream_read *stream_read_parse(struct call *call, bool is_group)
{
    struct options o = { 0 };
    if (!parse_options(call, is_group, &o)) return NULL;
    if (is_group && !o.group_index) {
        refuse(call, "ERR Missing GROUP option for XREADGROUP");
        return NULL;
    }
    size_t bytes = sizeof(struct stream_read) + o.key_count * sizeof(struct stream_source);
    struct stream_read *r = heap_take(call->server->heap, bytes, HEAP_OTHER);
    *r = (struct stream_read){ .bytes = bytes,
                               .is_group = is_group,
                               .no_ack = o.no_ack,
                               .blocks = o.blocks,
                               .deadline_ms = o.deadline_ms,
                               .now_ms = (int64_t)call->now_ms,
                               .count_max = o.count > 0 ? (uint64_t)o.count : UINT64_MAX,
                               .group_index = o.group_index,
                               .first_key = o.first_key,
                               .key_count = o.key_count };
    if (parse_sources(call, r)) return r;
    stream_read_give(call->server, r);
    return NULL;
}

void stream_read_give(struct server *server, struct stream_read *r)
{
    size_t bytes = r->key_count * sizeof *r->cuts;
    if (r->cuts) {
        for (uint32_t i = 0; i < r->key_count; i++)
            stream_cut_drop(r->sources[i].keyspace, &r->cuts[i]);
        heap_give(server->heap, r->cuts, bytes, HEAP_OTHER);
    }
    heap_give(server->heap, r, r->bytes, HEAP_OTHER);
}

// ---- streams

bool stream_read_find(struct call *call, const struct stream_read *r, const struct key *key,
                      struct stream_object **s, struct stream_group **g)
{
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, key, FIND_QUIET, call->now_ms);
    *g = NULL;
    if (!e || entry_type(e) != TYPE_STREAM) return false;
    *s = stream_of(e);
    if (r->is_group) *g = stream_group_find(stream_groups(*s), call->argv[r->group_index]);
    return !r->is_group || *g;
}

bool stream_has_more(const struct stream_cut *now, struct stream_id id)
{
    if (now->facts.count == 0 || stream_id_compare(now->facts.last, id) <= 0) return false;
    return stream_id_compare(stream_edge(now, true), id) > 0;
}

static uint64_t guess_one(struct call *call, const struct stream_read *r, uint32_t index)
{
    struct key key = stream_read_key(call, r, index);
    const struct stream_source *source = &r->sources[index];
    struct stream_object *s;
    struct stream_group *g;
    if (!stream_read_find(call, r, &key, &s, &g)) return 0;
    if (g && !source->is_new) {
        const struct stream_consumer *c = stream_consumer_find(g, call->argv[r->group_index + 1]);
        return c ? c->pending.count : 0;
    }
    struct stream_id after = g ? g->last : source->after;
    if (!stream_has_more(stream_now(s), after)) return 0;
    return stream_guess_count(stream_now(s), after, STREAM_ID_MAX);
}

uint64_t stream_read_guess(struct call *call, const struct stream_read *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->key_count; i++) {
        uint64_t n = guess_one(call, r, i);
        sum += n < r->count_max ? n : r->count_max;
    }
    return sum;
}

void stream_read_wait(struct call *call, const struct stream_read *r)
{
    struct heap *heap = call->server->heap;
    uint32_t first_id = r->first_key + r->key_count;
    size_t argv_bytes = call->argc * sizeof(struct bytes);
    size_t texts_bytes = (size_t)r->key_count * STREAM_ID_TEXT_MAX;
    struct bytes *argv = heap_take(heap, argv_bytes, HEAP_OTHER);
    char *texts = heap_take(heap, texts_bytes, HEAP_OTHER);
    memcpy(argv, call->argv, argv_bytes);
    for (uint32_t i = 0; i < r->key_count; i++) {
        char *text = texts + (size_t)i * STREAM_ID_TEXT_MAX;
        if (r->sources[i].is_last)
            argv[first_id + i] = bytes_make(text, stream_id_format(text, r->sources[i].after));
    }
    struct block_wish wish = { .first = r->first_key,
                               .count = r->key_count,
                               .type = TYPE_STREAM,
                               .deadline_ms = r->deadline_ms,
                               .reply = BLOCK_NULL_ARRAY,
                               .wants_loss = r->is_group,
                               .argv = argv };
    call_block(call, &wish);
    heap_give(heap, argv, argv_bytes, HEAP_OTHER);
    heap_give(heap, texts, texts_bytes, HEAP_OTHER);
}
