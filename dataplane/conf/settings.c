#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/heap.h"
#include "dataplane/conf/settings_priv.h"

// ---- memory of texts

char *setting_copy_text(struct bytes b)
{
    char *copy = malloc(b.size + 1);
    CHECK(copy != NULL);
    if (b.size) memcpy(copy, b.data, b.size);
    copy[b.size] = 0;
    return copy;
}

void setting_words_clear(struct setting_words *w)
{
    for (uint32_t i = 0; i < w->count; i++) free(w->words[i]);
    free(w->words);
    *w = (struct setting_words){ 0 };
}

void setting_words_add(struct setting_words *w, struct bytes value)
{
    w->words = realloc(w->words, (w->count + 1) * sizeof *w->words);
    CHECK(w->words != NULL);
    w->words[w->count++] = setting_copy_text(value);
}

// Words of one line, joined by single spaces.
char *setting_join_words(const struct bytes *words, uint32_t count)
{
    size_t size = 1, at = 0;
    for (uint32_t i = 0; i < count; i++) size += words[i].size + 1;
    char *text = malloc(size);
    CHECK(text != NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (i) text[at++] = ' ';
        if (words[i].size) memcpy(text + at, words[i].data, words[i].size);
        at += words[i].size;
    }
    text[at] = 0;
    return text;
}

size_t setting_quote(char *out, struct bytes text)
{
    size_t at = 0;
    out[at++] = '"';
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        static const char digits[] = "0123456789abcdef";
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            out[at++] = (char)c;
            continue;
        }
        out[at++] = '\\';
        out[at++] = 'x';
        out[at++] = digits[c >> 4];
        out[at++] = digits[c & 15];
    }
    out[at++] = '"';
    return at;
}

// ---- finding

const struct setting_row *setting_find(struct bytes name)
{
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (bytes_is_word(name, row->name)) return row;
        if (row->alias && bytes_is_word(name, row->alias)) return row;
    }
    return NULL;
}

// ---- life

void settings_init(struct settings *s)
{
    char error[SETTING_ERROR_MAX];
    memset(s, 0, sizeof *s);
    s->other = calloc(setting_row_count, sizeof *s->other);
    CHECK(s->other != NULL);
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        s->other[i] = setting_copy_text(bytes_make("", 0));
        CHECK(setting_assign_text(s, row, bytes_text(row->normal), error) == OK);
    }
    s->save.given = false;
}

void settings_close(struct settings *s)
{
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        void *field = row_field(s, row);
        free(s->other[i]);
        if (!field) continue;
        if (row->kind == SETTING_TEXT || row->kind == SETTING_EVENTS) free(*(char **)field);
        if (row->kind == SETTING_WORDS || row->kind == SETTING_LINES) setting_words_clear(field);
    }
    free(s->other);
    memset(s, 0, sizeof *s);
}

static void words_copy(struct setting_words *to, const struct setting_words *from)
{
    *to = (struct setting_words){ 0 };
    for (uint32_t i = 0; i < from->count; i++) setting_words_add(to, bytes_text(from->words[i]));
}

void settings_copy(struct settings *to, const struct settings *from)
{
    *to = *from;
    to->other = calloc(setting_row_count, sizeof *to->other);
    CHECK(to->other != NULL);
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const void *source = row_field_const(from, row);
        void *field = row_field(to, row);
        to->other[i] = setting_copy_text(bytes_text(from->other[i]));
        if (!field) continue;
        if (row->kind == SETTING_TEXT || row->kind == SETTING_EVENTS)
            *(char **)field = setting_copy_text(bytes_text(*(char *const *)source));
        if (row->kind == SETTING_WORDS || row->kind == SETTING_LINES) words_copy(field, source);
    }
}

int64_t settings_oom_score(const struct settings *s, int64_t base)
{
    const struct setting_row *row = setting_find(BYTES_LITERAL("oom-score-adj-values"));
    char text[64] = "";
    if (s->oom_score_adj == OOM_NO) return base;
    (void)setting_text(s, row, text, sizeof text - 1);
    int64_t value = strtol(text, NULL, 10);
    return s->oom_score_adj == OOM_ABSOLUTE ? value : base + value;
}

static enum status fail(char error[SETTING_ERROR_MAX], const char *text)
{
    snprintf(error, SETTING_ERROR_MAX, "%s", text);
    return ERR_PEER;
}

static bool is_address(const char *word)
{
    struct in6_addr any;
    if (word[0] == '-') word++;
    return strcmp(word, "*") == 0 || strcmp(word, "::*") == 0 ||
           inet_pton(AF_INET, word, &any) == 1 || inet_pton(AF_INET6, word, &any) == 1;
}

enum status settings_check(const struct settings *s, char error[SETTING_ERROR_MAX])
{
    for (uint32_t i = 0; i < s->metrics_bind.count; i++)
        if (!is_address(s->metrics_bind.words[i]))
            return fail(error, "metrics-bind: every word must be an IP address, '*' or '::*'");
    if (s->transport == TRANSPORT_NIC && s->nic_devargs.count == 0)
        return fail(error, "transport nic needs a nic-devargs directive that names the DPDK port");
    if (s->transport == TRANSPORT_NIC && s->nic_address.count == 0)
        return fail(error, "transport nic needs a nic-address directive");
    if (s->core >= 0 && s->core + s->shards > SETTING_CORES_MAX)
        return fail(error, "core and shards: the last shard's core would be beyond 1023");
    if (s->activedefrag && !heap_can_relocate())
        return fail(error, "Active defragmentation cannot be enabled: it requires jemalloc, which "
                           "this build is without");
    return OK;
}
