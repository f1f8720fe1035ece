// log_wire.h: the operations of log_model.h as requests, and what answers them.
//
// Source:  log_model.h; RESP2
// Thread:  one
// Memory:  texts are whoever's that has them made
#pragma once
#include "tests/sim/log_model.h"

static void add_words(struct wire_text *t, const char *verb, const char *key)
{
    wire_add_bulk(t, verb, strlen(verb));
    wire_add_bulk(t, key, strlen(key));
}
static void add_text(struct wire_text *t, uint32_t number, uint32_t wanted)
{
    uint32_t size = model_text_bytes(number, wanted);
    char *text = malloc(size + 12);
    CHECK(text);
    model_text(number, size, text);
    wire_add_bulk(t, text, size);
    free(text);
}
static void add_number(struct wire_text *t, uint64_t number)
{
    char text[24];
    wire_add_bulk(t, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)number));
}

static const char *const wire_verbs[] = {
    [MODEL_SET] = "SET", [MODEL_INCR] = "INCR",          [MODEL_PUSH] = "RPUSH",
    [MODEL_DEL] = "DEL", [MODEL_DEADLINE] = "PEXPIREAT", [MODEL_PERSIST] = "PERSIST",
};

static bool has_value(const struct model_part *p)
{
    return p->verb != MODEL_INCR && p->verb != MODEL_DEL && p->verb != MODEL_PERSIST;
}

static void add_value(struct wire_text *t, const struct model_part *p, uint32_t number)
{
    if (p->verb == MODEL_SET)
        add_text(t, number, p->size);
    else
        add_number(t, p->verb == MODEL_PUSH ? number : p->deadline_ms);
}

static void ask_part(const struct model_writer *w, const struct model_part *p, uint32_t number,
                     struct wire_text *t)
{
    char name[MODEL_NAME_BYTES];
    bool has_option = p->verb == MODEL_SET && p->deadline_ms;
    wire_add(t, "*%u\r\n", 2 + has_value(p) + 2 * has_option);
    add_words(t, wire_verbs[p->verb], model_name(w, p->key, name));
    if (has_value(p)) add_value(t, p, number);
    if (!has_option) return;
    wire_add_bulk(t, "PXAT", 4);
    add_number(t, p->deadline_ms);
}

// The parts as a script: its arguments are a verb and a value for each key, empty for none. It says
// what each of them said.
static void ask_script(const struct model_writer *w, const struct model_op *op, struct wire_text *t)
{
    static const char text[] =
        "local said = {} "
        "for i, k in ipairs(KEYS) do local verb, value = ARGV[2 * i - 1], ARGV[2 * i] "
        "if value == '' then said[i] = redis.call(verb, k) "
        "else said[i] = redis.call(verb, k, value) end end "
        "return said";
    char name[MODEL_NAME_BYTES];
    wire_add(t, "*%u\r\n", 3 + 3 * op->part_count);
    add_words(t, "EVAL", text);
    add_number(t, op->part_count);
    for (uint32_t i = 0; i < op->part_count; i++) {
        model_name(w, op->parts[i].key, name);
        wire_add_bulk(t, name, strlen(name));
    }
    for (uint32_t i = 0; i < op->part_count; i++) {
        const struct model_part *p = &op->parts[i];
        wire_add_bulk(t, wire_verbs[p->verb], strlen(wire_verbs[p->verb]));
        if (has_value(p))
            add_value(t, p, op->number);
        else
            wire_add_bulk(t, "", 0);
    }
}

static void ask_read(const struct model_writer *w, uint32_t key, struct wire_text *t)
{
    char name[MODEL_NAME_BYTES];
    model_name(w, key, name);
    if (model_is_list(key))
        wire_add_request(t, "LRANGE %s 0 -1", name);
    else
        wire_add_request(t, "GET %s", name);
}

// And its deadline: two replies.
static void ask_all_of(const struct model_writer *w, uint32_t key, struct wire_text *t)
{
    char name[MODEL_NAME_BYTES];
    ask_read(w, key, t);
    wire_add_request(t, "PEXPIRETIME %s", model_name(w, key, name));
}

static void ask_op(const struct model_writer *w, const struct model_op *op, struct wire_text *t)
{
    char name[MODEL_NAME_BYTES];
    switch (op->kind) {
    case MODEL_ONE:
        ask_part(w, &op->parts[0], op->number, t);
        break;
    case MODEL_MSET:
        wire_add(t, "*%u\r\n$4\r\nMSET\r\n", 1 + 2 * op->part_count);
        for (uint32_t i = 0; i < op->part_count; i++) {
            model_name(w, op->parts[i].key, name);
            wire_add_bulk(t, name, strlen(name));
            add_text(t, op->number, op->parts[i].size);
        }
        break;
    case MODEL_MULTI:
        wire_add_request(t, "MULTI");
        for (uint32_t i = 0; i < op->part_count; i++) ask_part(w, &op->parts[i], op->number, t);
        wire_add_request(t, "EXEC");
        break;
    case MODEL_SCRIPT:
        ask_script(w, op, t);
        break;
    case MODEL_READ:
        ask_read(w, op->parts[0].key, t);
        break;
    case MODEL_FLUSHALL: // said once, for all writers
        break;
    }
}

static void answer_value(uint32_t key, const struct model_value *v, struct wire_text *t)
{
    if (model_is_list(key)) {
        wire_add(t, "*%u\r\n", v->size);
        for (uint32_t i = 0; i < v->size; i++) add_number(t, v->items[i]);
    } else if (!v->size) {
        wire_add(t, "$-1\r\n");
    } else if (model_is_counter(key)) {
        char text[24];
        wire_add_bulk(t, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v->sum));
    } else {
        add_text(t, v->number, v->size);
    }
}

// For sure. A value whose deadline had passed was not set, but removed.
static bool has_effect(const struct model_part *p, const struct model_value *before)
{
    if (p->verb < MODEL_DEL && !p->deadline_ms) return true;
    return before->size > 0 && (p->verb != MODEL_PERSIST || before->deadline_ms);
}

static void answer_part(const struct model_part *p, const struct model_value *after,
                        struct wire_text *t)
{
    if (p->verb == MODEL_SET)
        wire_add(t, "+OK\r\n");
    else if (p->verb == MODEL_INCR)
        wire_add(t, ":%lld\r\n", (long long)after->sum);
    else
        wire_add(t, ":%u\r\n", p->verb == MODEL_PUSH ? after->size : !p->is_idle);
}

// s: what op finds, at op->at_ms; becomes what it is behind it. A transaction has no key twice.
static void answer_op(struct model_state *s, struct model_op *op, struct wire_text *t)
{
    for (uint32_t i = 0; i < op->part_count; i++)
        op->parts[i].is_idle = !has_effect(&op->parts[i], &s->keys[op->parts[i].key]);
    state_apply(s, op, op->at_ms);
    if (op->kind == MODEL_READ) answer_value(op->parts[0].key, &s->keys[op->parts[0].key], t);
    if (op->kind == MODEL_MSET) wire_add(t, "+OK\r\n");
    if (op->kind == MODEL_READ || op->kind == MODEL_MSET) return;
    if (op->kind == MODEL_MULTI) {
        wire_add(t, "+OK\r\n");
        for (uint32_t i = 0; i < op->part_count; i++) wire_add(t, "+QUEUED\r\n");
    }
    if (op->kind != MODEL_ONE) wire_add(t, "*%u\r\n", op->part_count);
    for (uint32_t i = 0; i < op->part_count; i++)
        answer_part(&op->parts[i], &s->keys[op->parts[i].key], t);
}
static uint32_t op_replies(const struct model_op *op)
{
    return op->kind == MODEL_MULTI ? op->part_count + 2 : 1;
}

// Bytes of one reply; 0: not all of it is there.
static size_t answer_bytes(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (!end) return 0;
    size_t line = (size_t)(end - data) + 1;
    long count = data[0] == '$' || data[0] == '*' ? strtol((const char *)data + 1, NULL, 10) : -1;
    if (count < 0) return line;
    if (data[0] == '$') return size >= line + (size_t)count + 2 ? line + (size_t)count + 2 : 0;
    for (; count > 0; count--) {
        size_t one = answer_bytes(data + line, size - line);
        if (!one) return 0;
        line += one;
    }
    return line;
}

// What a read of a key said. False: nothing that could have been written there.
static bool value_parse(uint32_t key, const uint8_t *data, size_t size, struct model_value *v)
{
    char *rest;
    *v = (struct model_value){ 0 };
    long count = strtol((const char *)data + 1, &rest, 10);
    const uint8_t *at = (const uint8_t *)rest + 2;
    if (data[0] != (model_is_list(key) ? '*' : '$')) return false;
    if (model_is_list(key)) {
        for (; count > 0; count--) {
            size_t one = answer_bytes(at, size - (size_t)(at - data));
            model_push(v, (uint32_t)strtoul(memchr(at, '\n', one) + 1, NULL, 10));
            at += one;
        }
        return true;
    }
    if (count < 0) return true;
    v->size = (uint32_t)count;
    if (model_is_counter(key)) {
        v->size = 1;
        v->sum = strtoll((const char *)at, NULL, 10);
        return true;
    }
    v->number = (uint32_t)strtoul((const char *)at, NULL, 10);
    char *text = malloc(v->size + 12);
    CHECK(text);
    model_text(v->number, v->size, text);
    bool is_right = memcmp(text, at, v->size) == 0;
    free(text);
    return is_right;
}

// What PEXPIRETIME said of it, behind the value: which may have gone in between. False: nothing
// that could be.
static bool deadline_parse(const uint8_t *data, size_t size, struct model_value *v)
{
    long long deadline = size > 1 && data[0] == ':' ? strtoll((const char *)data + 1, NULL, 10) : 0;
    if (deadline == -2) model_drop(v);
    if (deadline > 0) v->deadline_ms = (uint64_t)deadline;
    return deadline == -2 || (v->size > 0 && deadline != 0 && deadline >= -1);
}
