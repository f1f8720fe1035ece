#include "dataplane/cmd/stream_trim_args.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/stream_call.h"

enum { LIMIT_WITHOUT_NODE_ENTRIES = 10000, LIMIT_MAX = 1000000, LIMIT_NODES = 100 };

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool is_sign(struct bytes text, char sign)
{
    return text.size > 0 && text.data[0] == sign && (text.size == 1 || text.data[1] == '\0');
}

// A number that is not negative.
static bool parse_number(struct call *call, uint32_t index, uint64_t *out, const char *error)
{
    int64_t value;
    if (!call_int(call, index, &value, NULL)) return false;
    if (value < 0) return refuse(call, error);
    *out = (uint64_t)value;
    return true;
}

// At argv[*index]: MAXLEN or MINID; moves on to its value.
static bool parse_strategy(struct call *call, uint32_t *index, bool by_id,
                           struct stream_add_args *a)
{
    if (a->trims)
        return refuse(call, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                            "compatible");
    uint32_t value = *index + 1;
    a->trim.approximate = false;
    if (value + 1 < call->argc) {
        a->trim.approximate = is_sign(call->argv[value], '~');
        if (a->trim.approximate || is_sign(call->argv[value], '=')) value++;
    }
    a->trims = true;
    a->trim.by_id = by_id;
    a->value_index = *index = value;
    if (by_id) return stream_arg_id(call, value, 0, &a->trim.id_min, NULL);
    return parse_number(call, value, &a->trim.count_max, "ERR The MAXLEN argument must be >= 0.");
}

// Redis looks at no more than 100 nodes for a trimming that need not be exact.
static uint64_t normal_limit(const struct call *call)
{
    int64_t entries = call->server->thresholds.stream_node_entries, limit;
    if (__builtin_mul_overflow(entries, LIMIT_NODES, &limit) || limit <= 0)
        return LIMIT_WITHOUT_NODE_ENTRIES;
    return limit > LIMIT_MAX ? LIMIT_MAX : (uint64_t)limit;
}

static bool check(struct call *call, bool is_add, bool has_limit, struct stream_add_args *a)
{
    if (a->trim.limit && !a->trims)
        return refuse(call, "ERR syntax error, LIMIT cannot be used without specifying a trimming "
                            "strategy");
    if (!is_add && !a->trims)
        return refuse(call, "ERR syntax error, XTRIM must be called with a trimming strategy");
    if (has_limit && !a->trim.approximate)
        return refuse(call, "ERR syntax error, LIMIT cannot be used without the special ~ option");
    if (a->trim.approximate && !has_limit) a->trim.limit = normal_limit(call);
    return true;
}

bool stream_trim_parse(struct call *call, bool is_add, struct stream_add_args *a)
{
    bool has_limit = false;
    uint32_t i = 2;
    *a = (struct stream_add_args){ .id_index = call->argc };
    for (; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        bool has_more = i + 1 < call->argc;
        if (is_add && is_sign(word, '*')) break;
        if (has_more && (bytes_is_option(word, "maxlen") || bytes_is_option(word, "minid"))) {
            if (!parse_strategy(call, &i, bytes_is_option(word, "minid"), a)) return false;
        } else if (has_more && bytes_is_option(word, "limit")) {
            has_limit = true;
            if (!parse_number(call, ++i, &a->trim.limit, "ERR The LIMIT argument must be >= 0."))
                return false;
        } else if (is_add && bytes_is_option(word, "nomkstream")) {
            a->no_make = true;
        } else if (is_add) {
            if (!stream_arg_id(call, i, 0, &a->id, &a->any_seq)) return false;
            a->has_id = true;
            break;
        } else {
            return refuse(call, reply_text_syntax);
        }
    }
    a->id_index = i;
    return check(call, is_add, has_limit, a);
}

// ---- effects

struct rewritten { // words in place of some arguments
    struct bytes id, value;
};

static struct bytes word_at(const struct call *call, const struct stream_add_args *a,
                            const struct rewritten *r, uint32_t index)
{
    if (index == a->id_index && (!a->has_id || a->any_seq)) return r->id;
    if (!a->trim.approximate) return call->argv[index];
    if (index == a->value_index - 1) return BYTES_LITERAL("=");
    return index == a->value_index ? r->value : call->argv[index];
}

// Without LIMIT, which goes with '~' only.
static uint32_t copy_words(const struct call *call, const struct stream_add_args *a,
                           const struct rewritten *r, struct bytes *to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->argc; i++) {
        bool is_option = i >= 2 && i < a->id_index;
        if (a->trim.approximate && is_option && bytes_is_option(call->argv[i], "limit"))
            i++;
        else
            to[count++] = word_at(call, a, r, i);
    }
    return count;
}

static struct bytes trimmed_to(const struct call *call, const struct stream_add_args *a,
                               const struct stream_facts *now, char text[STREAM_ID_TEXT_MAX])
{
    if (!a->trim.approximate) return call->argv[a->value_index];
    if (!a->trim.by_id) return bytes_make(text, num_format_uint(text, now->count));
    return bytes_make(text, stream_id_format(text, now->count ? now->first : STREAM_ID_MAX));
}

void stream_trim_effect(struct call *call, const struct stream_add_args *a, struct stream_id id,
                        const struct stream_facts *now)
{
    struct heap *heap = call->server->heap;
    char id_text[STREAM_ID_TEXT_MAX], value_text[STREAM_ID_TEXT_MAX];
    size_t room = call->argc * sizeof(struct bytes);
    if (!effects_are_on(&call->server->effects)) return;
    struct rewritten r = { .id = bytes_make(id_text, stream_id_format(id_text, id)) };
    if (a->trims) r.value = trimmed_to(call, a, now, value_text);
    struct bytes *words = heap_take(heap, room, HEAP_OTHER);
    call_effect(call, words, copy_words(call, a, &r, words));
    heap_give(heap, words, room, HEAP_OTHER);
}

void stream_add_effect(struct call *call, const struct stream_add_args *a, struct stream_id id)
{
    struct heap *heap = call->server->heap;
    char text[STREAM_ID_TEXT_MAX];
    size_t room = call->argc * sizeof(struct bytes);
    if (!effects_are_on(&call->server->effects)) return;
    struct bytes *words = heap_take(heap, room, HEAP_OTHER);
    uint32_t count = 0;
    words[count++] = call->argv[0];
    words[count++] = call->argv[1];
    words[count++] = bytes_make(text, stream_id_format(text, id));
    for (uint32_t i = a->id_index + 1; i < call->argc; i++) words[count++] = call->argv[i];
    call_effect(call, words, count);
    heap_give(heap, words, room, HEAP_OTHER);
}

void stream_trim_effect_alone(struct call *call, const struct stream_add_args *a,
                              const struct stream_facts *now)
{
    char text[STREAM_ID_TEXT_MAX];
    call_effectf(call, "sbssb", "XTRIM", call->argv[1], a->trim.by_id ? "MINID" : "MAXLEN", "=",
                 trimmed_to(call, a, now, text));
}
