#include "dataplane/cmd/stream_call.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/job.h"

bool stream_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e)
{
    *e = call_find(call, key, flags);
    return call_check_type(call, *e, TYPE_STREAM);
}

struct stream_object *stream_create(struct call *call, const struct key *key)
{
    struct stream_place place = { call_keyspace(call, key->name), call->client->db, key, NULL };
    return stream_make(&place);
}

// ---- arguments

static bool refuse_id(struct call *call)
{
    reply_error(call->reply, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

bool stream_arg_id(struct call *call, uint32_t index, uint64_t missing_seq, struct stream_id *id,
                   bool *any_seq)
{
    return stream_id_parse(call->argv[index], missing_seq, id, any_seq) || refuse_id(call);
}

bool stream_arg_start(struct call *call, uint32_t index, struct stream_id *id)
{
    bool is_excluded;
    if (!stream_id_parse_bound(call->argv[index], 0, id, &is_excluded)) return refuse_id(call);
    if (!is_excluded || stream_id_increment(id)) return true;
    reply_error(call->reply, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_end(struct call *call, uint32_t index, struct stream_id *id)
{
    bool is_excluded;
    if (!stream_id_parse_bound(call->argv[index], UINT64_MAX, id, &is_excluded))
        return refuse_id(call);
    if (!is_excluded || stream_id_decrement(id)) return true;
    reply_error(call->reply, "ERR invalid end ID for the interval");
    return false;
}

static uint8_t *put_text(uint8_t *to, struct bytes text)
{
    const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
    size_t size = nul ? (size_t)(nul - text.data) : text.size;
    if (size) memcpy(to, text.data, size);
    return to + size;
}

void stream_error(struct call *call, const char *before, struct bytes first, const char *between,
                  struct bytes second, const char *behind)
{
    struct heap *heap = call->server->heap;
    size_t room = strlen(before) + first.size + strlen(between) + second.size + strlen(behind);
    uint8_t *text = heap_take(heap, room, HEAP_OTHER);
    uint8_t *end = put_text(text, bytes_text(before));
    end = put_text(end, first);
    end = put_text(end, bytes_text(between));
    end = put_text(end, second);
    end = put_text(end, bytes_text(behind));
    reply_error_bytes(call->reply, bytes_make(text, (size_t)(end - text)));
    heap_give(heap, text, room, HEAP_OTHER);
}

void stream_error_no_group(struct call *call, struct bytes key, struct bytes group)
{
    stream_error(call, "NOGROUP No such key '", key, "' or consumer group '", group, "'");
}

void stream_error_syntax(struct call *call)
{
    const char *of = call->command->full_name[1] == 'g' ? "XGROUP" : "XINFO";
    struct bytes word = call->argv[1];
    if (word.size > 128) word.size = 128;
    stream_error(call, "ERR unknown subcommand or wrong number of arguments for '", word, "'. Try ",
                 bytes_text(of), " HELP.");
}

// ---- replies

void reply_stream_id(struct reply *r, struct stream_id id)
{
    char text[STREAM_ID_TEXT_MAX];
    reply_bulk(r, bytes_make(text, stream_id_format(text, id)));
}

void reply_stream_item(struct reply *r, struct stream_iter *i, const struct stream_item *item)
{
    struct bytes field, value;
    reply_array(r, 2);
    reply_stream_id(r, item->id);
    reply_array(r, (uint64_t)item->pair_count * 2);
    while (stream_iter_pair(i, &field, &value)) {
        reply_bulk(r, field);
        reply_bulk(r, value);
    }
}

bool reply_stream_entry(struct reply *r, const struct stream_cut *cut, struct stream_id id)
{
    struct stream_iter i;
    struct stream_item item;
    stream_iter_init(&i, cut, id, id, false);
    if (!stream_iter_next(&i, &item)) return false;
    reply_stream_item(r, &i, &item);
    return true;
}

bool stream_send(struct reply *r, const struct stream_cut *cut, struct stream_sending *s,
                 uint64_t until_tsc)
{
    struct stream_iter i;
    struct stream_item item;
    stream_iter_init(&i, cut, s->from, s->to, s->is_backwards);
    while (s->left > 0 && stream_iter_next(&i, &item)) {
        reply_stream_item(r, &i, &item);
        s->sent++;
        s->left--;
        struct stream_id *bound = s->is_backwards ? &s->to : &s->from;
        *bound = item.id;
        if (!(s->is_backwards ? stream_id_decrement(bound) : stream_id_increment(bound)))
            return true;
        if (!job_may_go_on(until_tsc) && s->left > 0) return false;
    }
    return true;
}

// ---- groups

struct stream_consumer *stream_consumer_for(struct call *call, const struct key *key,
                                            struct stream_group *g, struct bytes name,
                                            bool *created)
{
    struct stream_consumer *c = stream_consumer_find(g, name);
    *created = !c;
    if (!c) {
        c = stream_consumer_new(keyspace_space(call->keyspace), g, name, (int64_t)call->now_ms);
        keyspace_add_dirty(call->keyspace, 1);
        call_changed(call, key, EVENT_STREAM | EVENT_ONLY, "xgroup-createconsumer");
    }
    c->seen_ms = (int64_t)call->now_ms;
    return c;
}

// ---- effects

void stream_effect_claim(struct call *call, struct bytes key, const struct stream_group *g,
                         const struct stream_pending *p)
{
    char id[STREAM_ID_TEXT_MAX], last[STREAM_ID_TEXT_MAX];
    if (!effects_are_on(&call->server->effects)) return;
    CHECK(p->consumer);
    call_effectf(call, "sbbbsbsisusssb", "XCLAIM", key, stream_group_name(g),
                 stream_consumer_name(p->consumer), "0",
                 bytes_make(id, stream_id_format(id, p->id)), "TIME", p->delivered_ms, "RETRYCOUNT",
                 p->delivery_count, "FORCE", "JUSTID", "LASTID",
                 bytes_make(last, stream_id_format(last, g->last)));
}

void stream_effect_group_last(struct call *call, struct bytes key, const struct stream_group *g)
{
    char last[STREAM_ID_TEXT_MAX];
    if (!effects_are_on(&call->server->effects)) return;
    call_effectf(call, "ssbbbsi", "XGROUP", "SETID", key, stream_group_name(g),
                 bytes_make(last, stream_id_format(last, g->last)), "ENTRIESREAD", g->entries_read);
}

void stream_effect_consumer(struct call *call, struct bytes key, const struct stream_group *g,
                            const struct stream_consumer *c)
{
    if (!effects_are_on(&call->server->effects)) return;
    call_effectf(call, "ssbbb", "XGROUP", "CREATECONSUMER", key, stream_group_name(g),
                 stream_consumer_name(c));
}
