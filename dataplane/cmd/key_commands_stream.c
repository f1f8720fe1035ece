// Streams: entries, facts, then group by group its consumers and what is pending for each.
#include "dataplane/base/check.h"
#include "dataplane/cmd/key_commands.h"

enum phase { ENTRIES, PAIRS, EMPTY, FACTS, GROUP, CONSUMER, PENDING, DONE };

void key_commands_stream_begin(struct key_commands *c)
{
    c->stream.group = 0;
    c->stream.phase = c->left > 0 ? ENTRIES : EMPTY;
}

// ---- entries

static void start_entry(struct key_commands *c)
{
    struct key_commands_stream *s = &c->stream;
    struct stream_item item;
    if (!stream_iter_next(&c->iter.stream, &item)) {
        s->phase = FACTS;
        return;
    }
    key_commands_start(c, 3 + 2 * (uint64_t)item.pair_count, "XADD");
    key_commands_add(c, c->name);
    key_commands_add_id(c, item.id);
    s->phase = PAIRS;
}

static void next_pair(struct key_commands *c)
{
    struct bytes field, value;
    if (!stream_iter_pair(&c->iter.stream, &field, &value)) {
        start_entry(c);
        return;
    }
    key_commands_add(c, field);
    key_commands_add(c, value);
}

// A stream without entries: one is added that goes at once.
static void make_empty(struct key_commands *c)
{
    static const char *const words[] = { "MAXLEN", "0", "0-1", "x", "y" };
    key_commands_start(c, 7, "XADD");
    key_commands_add(c, c->name);
    for (uint32_t i = 0; i < 5; i++) key_commands_add(c, bytes_text(words[i]));
    c->stream.phase = FACTS;
}

static void set_facts(struct key_commands *c)
{
    const struct stream_facts *f = &c->cut.stream.facts;
    key_commands_start(c, 7, "XSETID");
    key_commands_add(c, c->name);
    key_commands_add_id(c, f->last);
    key_commands_add(c, BYTES_LITERAL("ENTRIESADDED"));
    key_commands_add_number(c, (int64_t)f->entries_added);
    key_commands_add(c, BYTES_LITERAL("MAXDELETEDID"));
    key_commands_add_id(c, f->max_deleted);
    c->stream.phase = GROUP;
}

// ---- groups

static const struct stream_group *group_of(const struct key_commands *c)
{
    return c->cut.stream.groups.groups[c->stream.group];
}

static const struct stream_consumer *consumer_of(const struct key_commands *c)
{
    return group_of(c)->consumers[c->stream.consumer];
}

static void start_group_command(struct key_commands *c, uint32_t argc, const char *subcommand)
{
    key_commands_start(c, argc, "XGROUP");
    key_commands_add(c, bytes_text(subcommand));
    key_commands_add(c, c->name);
    key_commands_add(c, stream_group_name(group_of(c)));
}

static void create_group(struct key_commands *c)
{
    struct key_commands_stream *s = &c->stream;
    if (s->group == c->cut.stream.groups.count) {
        s->phase = DONE;
        return;
    }
    start_group_command(c, 7, "CREATE");
    key_commands_add_id(c, group_of(c)->last);
    key_commands_add(c, BYTES_LITERAL("ENTRIESREAD"));
    key_commands_add_number(c, group_of(c)->entries_read);
    s->consumer = 0;
    s->phase = CONSUMER;
}

static void create_consumer(struct key_commands *c)
{
    struct key_commands_stream *s = &c->stream;
    if (s->consumer == group_of(c)->consumer_count) {
        s->group++;
        s->phase = GROUP;
        return;
    }
    start_group_command(c, 5, "CREATECONSUMER");
    key_commands_add(c, stream_consumer_name(consumer_of(c)));
    stream_pending_iter_init(&s->pending, group_of(c), consumer_of(c), STREAM_ID_ZERO);
    s->phase = PENDING;
}

static void claim(struct key_commands *c)
{
    struct key_commands_stream *s = &c->stream;
    struct stream_pending p;
    if (!stream_pending_iter_next(&s->pending, &p)) {
        s->consumer++;
        s->phase = CONSUMER;
        return;
    }
    key_commands_start(c, 12, "XCLAIM");
    key_commands_add(c, c->name);
    key_commands_add(c, stream_group_name(group_of(c)));
    key_commands_add(c, stream_consumer_name(consumer_of(c)));
    key_commands_add(c, BYTES_LITERAL("0"));
    key_commands_add_id(c, p.id);
    key_commands_add(c, BYTES_LITERAL("TIME"));
    key_commands_add_number(c, p.delivered_ms);
    key_commands_add(c, BYTES_LITERAL("RETRYCOUNT"));
    key_commands_add_number(c, (int64_t)p.delivery_count);
    key_commands_add(c, BYTES_LITERAL("JUSTID"));
    key_commands_add(c, BYTES_LITERAL("FORCE"));
}

bool key_commands_stream_item(struct key_commands *c)
{
    static void (*const steps[])(struct key_commands *) = {
        [ENTRIES] = start_entry, [PAIRS] = next_pair,    [EMPTY] = make_empty,
        [FACTS] = set_facts,     [GROUP] = create_group, [CONSUMER] = create_consumer,
        [PENDING] = claim,
    };
    if (c->stream.phase == DONE) return false;
    steps[c->stream.phase](c);
    return true;
}
