#include "dataplane/cmd/sort_source.h"

bool sort_source_takes(enum value_type type)
{
    return type == TYPE_LIST || type == TYPE_SET || type == TYPE_ZSET;
}

static void open_list(struct sort_source *s, struct keyspace *k, const struct entry *e)
{
    if (s->holds)
        list_cut(k, e, &s->list);
    else
        list_view(e, &s->list);
    s->count = s->list.count;
}

static void open_set(struct sort_source *s, struct keyspace *k, const struct entry *e)
{
    if (s->holds)
        set_cut(k, e, &s->set);
    else
        set_look(e, &s->set);
    s->count = s->set.count;
}

static void open_zset(struct sort_source *s, struct keyspace *k, const struct entry *e)
{
    if (s->holds)
        zset_cut(k, e, &s->zset);
    else
        zset_look(e, &s->zset);
    s->count = s->zset.count;
}

void sort_source_open(struct sort_source *s, struct keyspace *k, const struct entry *e, bool holds)
{
    s->type = e ? entry_type(e) : TYPE_SET;
    s->holds = holds;
    s->keyspace = k;
    if (s->type == TYPE_LIST)
        open_list(s, k, e);
    else if (s->type == TYPE_SET)
        open_set(s, k, e);
    else
        open_zset(s, k, e);
}

void sort_source_close(struct sort_source *s)
{
    if (!s->holds) return;
    if (s->type == TYPE_LIST)
        list_cut_drop(s->keyspace, &s->list);
    else if (s->type == TYPE_SET)
        set_cut_drop(s->keyspace, &s->set);
    else
        zset_cut_drop(s->keyspace, &s->zset);
    s->holds = false;
}

void sort_source_begin(struct sort_source *s, uint64_t start, bool backwards)
{
    if (s->type == TYPE_LIST) {
        list_iter_init(&s->list_iter, &s->list, start, backwards);
    } else if (s->type == TYPE_ZSET) {
        zset_iter_init(&s->zset_iter, &s->zset, start, backwards);
    } else {
        set_iter_init(&s->set_iter, &s->set);
        set_iter_seek(&s->set_iter, start);
    }
}

// Only numbers are formatted into an iterator's scratch; texts lie in the source's own bytes.
bool sort_source_next(struct sort_source *s, struct bytes *text, bool *lasts)
{
    double score;
    const char *scratch;
    bool is_there;
    if (s->type == TYPE_LIST) {
        is_there = list_iter_next(&s->list_iter, text);
        scratch = s->list_iter.scratch;
    } else if (s->type == TYPE_SET) {
        is_there = set_iter_next(&s->set_iter, text);
        scratch = s->set_iter.scratch;
    } else {
        is_there = zset_iter_next(&s->zset_iter, text, &score);
        scratch = s->zset_iter.scratch;
    }
    *lasts = is_there && text->data != (const uint8_t *)scratch;
    return is_there;
}
