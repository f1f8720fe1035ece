// Shebangs: "#!lua flags=no-writes" of a script, "#!lua name=mylib" of a library.
#include "dataplane/base/words.h"
#include "dataplane/script/script_priv.h"

const char *const script_flag_names[SCRIPT_FLAG_COUNT] = {
    "no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys",
};

uint32_t script_flag_find(struct bytes name)
{
    for (uint32_t i = 0; i < SCRIPT_FLAG_COUNT; i++)
        if (bytes_equal(name, bytes_text(script_flag_names[i]))) return 1U << i;
    return 0;
}

bool script_name_is_valid(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return name.size > 0;
}

static bool has_prefix(struct bytes text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

// The line's words, from a copy of it in scratch. False: there is no line.
static bool line_open(struct script_host *h, struct bytes body, struct words *words, size_t *size)
{
    const uint8_t *end = body.size ? memchr(body.data, '\n', body.size) : NULL;
    if (!end) return false;
    *size = (size_t)(end - body.data);
    script_buffer_trim(h->heap, &h->scratch);
    script_buffer_append(h->heap, &h->scratch, bytes_make(body.data, *size));
    *words = (struct words){ .text = h->scratch.data, .size = *size };
    return true;
}

// Every word is well formed: Redis splits the line before it looks at any.
static bool line_is_fine(struct script_host *h, struct bytes body, struct words *words)
{
    struct bytes word;
    size_t size;
    enum words_result result;
    if (!line_open(h, body, words, &size)) return false;
    while ((result = words_next(words, &word)) == WORDS_ONE) {
    }
    return result == WORDS_END && line_open(h, body, words, &size);
}

// "no-writes,allow-oom"; empty is none.
static bool parse_flags(struct script_host *h, struct bytes list, uint32_t *flags,
                        struct bytes *error)
{
    if (list.size == 0) return true;
    for (;;) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        struct bytes one = { list.data, comma ? (size_t)(comma - list.data) : list.size };
        uint32_t flag = script_flag_find(one);
        if (!flag) {
            *error = script_host_error(h, "ERR Unexpected flag in script shebang: %.*s",
                                       (int)one.size, (const char *)one.data);
            return false;
        }
        *flags |= flag;
        if (!comma) return true;
        list = bytes_make(comma + 1, list.size - one.size - 1);
    }
}

static bool parse_option(struct script_host *h, struct bytes word, uint32_t *flags,
                         struct bytes *error)
{
    enum { PREFIX = 6 };
    if (has_prefix(word, "flags="))
        return parse_flags(h, bytes_make(word.data + PREFIX, word.size - PREFIX), flags, error);
    *error = script_host_error(h, "ERR Unknown lua shebang option: %.*s", (int)word.size,
                               (const char *)word.data);
    return false;
}

bool script_parse_shebang(struct script_host *h, struct bytes body, struct script_head *out,
                          struct bytes *error)
{
    struct words words;
    struct bytes word;
    *out = (struct script_head){ .flags = SCRIPT_COMPATIBLE };
    if (!has_prefix(body, "#!")) return true;
    out->flags = 0;
    if (!line_open(h, body, &words, &out->skip)) {
        *error = BYTES_LITERAL("ERR Invalid script shebang");
        return false;
    }
    if (!line_is_fine(h, body, &words)) {
        *error = BYTES_LITERAL("ERR Invalid engine in script shebang");
        return false;
    }
    words_next(&words, &word);
    if (!bytes_equal(word, BYTES_LITERAL("#!lua"))) {
        *error = script_host_error(h, "ERR Unexpected engine in script shebang: %.*s",
                                   (int)word.size, (const char *)word.data);
        return false;
    }
    while (words_next(&words, &word) == WORDS_ONE)
        if (!parse_option(h, word, &out->flags, error)) return false;
    return true;
}

static bool parse_name(struct script_host *h, struct bytes word, struct bytes *name,
                       struct bytes *error)
{
    enum { PREFIX = 5 };
    if (word.size >= PREFIX &&
        bytes_equal_nocase(bytes_make(word.data, PREFIX), BYTES_LITERAL("name="))) {
        if (name->data) {
            *error =
                BYTES_LITERAL("ERR Invalid metadata value, name argument was given multiple times");
            return false;
        }
        *name = bytes_make(word.data + PREFIX, word.size - PREFIX);
        return true;
    }
    *error = script_host_error(h, "ERR Invalid metadata value given: %.*s", (int)word.size,
                               (const char *)word.data);
    return false;
}

bool script_parse_library(struct script_host *h, struct bytes body, struct script_library_head *out,
                          struct bytes *error)
{
    struct words words;
    struct bytes word;
    size_t size;
    *out = (struct script_library_head){ 0 };
    if (!has_prefix(body, "#!")) {
        *error = BYTES_LITERAL("ERR Missing library metadata");
        return false;
    }
    if (!line_open(h, body, &words, &size) || !line_is_fine(h, body, &words)) {
        *error = BYTES_LITERAL("ERR Invalid library metadata");
        return false;
    }
    words_next(&words, &word);
    out->engine = bytes_make(word.data + 2, word.size - 2);
    out->code = bytes_make(body.data + size, body.size - size);
    while (words_next(&words, &word) == WORDS_ONE)
        if (!parse_name(h, word, &out->name, error)) return false;
    if (!out->name.data) {
        *error = BYTES_LITERAL("ERR Library name was not given");
        return false;
    }
    return true;
}
