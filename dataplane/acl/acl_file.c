#include "dataplane/acl/acl_file.h"
#include <stdarg.h>
#include <stdio.h>
#include "dataplane/base/words.h"

struct reader {
    struct acl_users *users;
    struct acl_errors *errors;
    const char *path;
    uint32_t line;
    bool has_default;      // a line was about the default user
    bool told_other_fault; // of this line, one that is not an unknown command
};

__attribute__((format(printf, 2, 3))) static void add_error(struct acl_errors *e,
                                                            const char *format, ...)
{
    va_list args;
    uint32_t room = ACL_ERRORS_BYTES - e->size;
    va_start(args, format);
    int size = vsnprintf(e->text + e->size, room, format, args);
    va_end(args);
    if (size < 0) return;
    e->size += (uint32_t)size < room ? (uint32_t)size : room - 1;
}

// ---- words

struct word_list {
    struct heap *heap;
    struct bytes *words;
    uint32_t count, capacity;
};

static void add_word(struct word_list *l, struct bytes word)
{
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity ? 2 * l->capacity : 16;
        size_t one = sizeof *l->words;
        l->words =
            l->words ? heap_resize(l->heap, l->words, l->capacity * one, capacity * one, HEAP_OTHER)
                     : heap_take(l->heap, capacity * one, HEAP_OTHER);
        l->capacity = capacity;
    }
    l->words[l->count++] = word;
}

static void close_words(struct word_list *l)
{
    if (l->words) heap_give(l->heap, l->words, l->capacity * sizeof *l->words, HEAP_OTHER);
}

// Two spaces in a row have an empty word between them.
static void split_at_spaces(struct word_list *l, struct bytes line)
{
    for (;;) {
        const uint8_t *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
        size_t size = space ? (size_t)(space - line.data) : line.size;
        add_word(l, bytes_make(line.data, size));
        if (!space) return;
        bytes_skip(&line, size + 1);
    }
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct bytes trim(struct bytes text)
{
    while (text.size && is_blank(text.data[0])) bytes_skip(&text, 1);
    while (text.size && is_blank(text.data[text.size - 1])) text.size--;
    return text;
}

static int shown(struct bytes text) { return (int)(text.size < 512 ? text.size : 512); }

// ---- an aclfile

// Unknown commands are all told, with the rule; of the others the first one, without, for it may
// hold a password.
static void tell_fault(void *context, const struct acl_fault *fault)
{
    struct reader *r = context;
    if (fault->result == ACL_UNKNOWN_COMMAND) {
        add_error(r->errors, "%s:%u: Error in applying operation '%.*s': %s. ", r->path, r->line,
                  (int)fault->size, fault->rule, acl_result_text(fault->result));
    } else if (!r->told_other_fault) {
        add_error(r->errors, "%s:%u: %s. ", r->path, r->line, acl_result_text(fault->result));
        r->told_other_fault = true;
    }
}

// NULL: there was a line about it. The default user is there already: its first line begins it
// anew.
static struct acl_user *find_or_make(struct reader *r, struct bytes name)
{
    struct bytes reset = BYTES_LITERAL("reset");
    struct acl_fault fault;
    struct acl_user *u = acl_users_find(r->users, name);
    if (!u) return acl_users_add(r->users, name);
    if (u != r->users->default_user || r->has_default) return NULL;
    r->has_default = true;
    return acl_user_apply(u, &reset, 1, &fault) == ACL_DONE ? u : NULL;
}

static void read_words(struct reader *r, struct bytes *words, uint32_t count)
{
    if (count < 2 || !bytes_equal(words[0], BYTES_LITERAL("user"))) {
        add_error(r->errors, "%s:%u should start with user keyword followed by the username. ",
                  r->path, r->line);
        return;
    }
    if (acl_text_has_spaces(words[1])) {
        add_error(r->errors, "'%s:%u: username '%.*s' contains invalid characters. ", r->path,
                  r->line, shown(words[1]), (const char *)words[1].data);
        return;
    }
    struct acl_user *u = find_or_make(r, words[1]);
    if (!u) {
        add_error(r->errors, "WARNING: Duplicate user '%.*s' found on line %u. ", shown(words[1]),
                  (const char *)words[1].data, r->line);
        return;
    }
    r->told_other_fault = false;
    for (uint32_t i = 2; i < count; i++) words[i] = trim(words[i]);
    if (!acl_user_apply_all(u, words + 2, count - 2, tell_fault, r))
        add_error(r->errors, "%s:%u: Unmatched parenthesis in selector definition.", r->path,
                  r->line);
}

static void read_line(struct reader *r, struct bytes line)
{
    struct word_list words = { .heap = r->users->context.heap };
    line = trim(line);
    if (line.size == 0) return;
    split_at_spaces(&words, line);
    read_words(r, words.words, words.count);
    close_words(&words);
}

bool acl_file_read(struct acl_users *t, struct bytes text, const char *path,
                   struct acl_errors *errors)
{
    struct reader r = { .users = t, .errors = errors, .path = path };
    errors->size = 0;
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        r.line++;
        read_line(&r, bytes_make(text.data, size));
        bytes_skip(&text, end ? size + 1 : size);
    }
    if (errors->size == 0) return true;
    add_error(errors, "WARNING: ACL errors detected, no change to the previously active ACL rules "
                      "was performed");
    return false;
}

// ---- a line of a configuration

static bool may_be_password(const struct acl_fault *f)
{
    return f->size &&
           (f->rule[0] == '>' || f->rule[0] == '<' || f->rule[0] == '#' || f->rule[0] == '!');
}

static bool read_user(struct reader *r, const struct bytes *words, uint32_t count)
{
    struct acl_fault fault;
    struct bytes name = words[0];
    if (acl_text_has_spaces(name)) {
        add_error(r->errors, "Spaces not allowed in ACL usernames");
        return false;
    }
    struct acl_user *u = find_or_make(r, name);
    if (!u) {
        add_error(r->errors,
                  "Error in user declaration '%.*s': Duplicate user found. A user can only be "
                  "defined once in config files",
                  shown(name), (const char *)name.data);
        return false;
    }
    if (acl_user_apply(u, words + 1, count - 1, &fault) == ACL_DONE) return true;
    bool hides = may_be_password(&fault);
    add_error(r->errors, "Error parsing ACL rule '%.*s' for the user named '%.*s': %s",
              hides ? 10 : (int)(fault.size < 512 ? fault.size : 512),
              hides ? "(redacted)" : fault.rule, shown(name), (const char *)name.data,
              acl_result_text(fault.result));
    return false;
}

static bool read_quoted_line(struct reader *r, struct bytes line)
{
    struct heap *heap = r->users->context.heap;
    struct word_list list = { .heap = heap };
    uint8_t *scratch = heap_take(heap, line.size + 1, HEAP_OTHER);
    if (line.size) memcpy(scratch, line.data, line.size);
    struct words words = { .text = scratch, .size = line.size };
    struct bytes word;
    enum words_result next;
    bool is_fine = false;
    while ((next = words_next(&words, &word)) == WORDS_ONE) add_word(&list, word);
    if (next == WORDS_UNBALANCED || list.count == 0)
        add_error(r->errors, "Unbalanced quotes in configuration line");
    else
        is_fine = read_user(r, list.words, list.count);
    explicit_bzero(scratch, line.size + 1);
    heap_give(heap, scratch, line.size + 1, HEAP_OTHER);
    close_words(&list);
    return is_fine;
}

bool acl_lines_read(struct acl_users *t, const struct bytes *lines, uint32_t count,
                    struct acl_errors *errors)
{
    struct reader r = { .users = t, .errors = errors };
    errors->size = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!read_quoted_line(&r, lines[i])) return false;
    return true;
}
