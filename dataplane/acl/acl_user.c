#include "dataplane/acl/acl_user.h"
#include "dataplane/acl/acl_password.h"
#include "dataplane/base/words.h"

// ---- life

void acl_user_init(struct acl_user *u, const struct acl_context *context, struct bytes name)
{
    *u = (struct acl_user){ .context = context };
    if (name.size) {
        uint8_t *copy = heap_take(context->heap, name.size, HEAP_OTHER);
        memcpy(copy, name.data, name.size);
        u->name = bytes_make(copy, name.size);
    }
    acl_selector_init(&u->first, context->new_have_channels);
}

static void close_more(struct acl_user *u)
{
    struct heap *heap = u->context->heap;
    for (uint32_t i = 0; i < u->more_count; i++) acl_selector_close(&u->more[i], heap);
    if (u->more) heap_give(heap, u->more, u->more_capacity * sizeof *u->more, HEAP_OTHER);
    u->more = NULL;
    u->more_count = u->more_capacity = 0;
}

static void close_rights(struct acl_user *u)
{
    close_more(u);
    acl_selector_close(&u->first, u->context->heap);
    acl_items_clear(&u->passwords, u->context->heap);
}

void acl_user_close(struct acl_user *u)
{
    close_rights(u);
    if (u->name.size)
        heap_give(u->context->heap, (void *)(uintptr_t)u->name.data, u->name.size, HEAP_OTHER);
    u->name = bytes_make(NULL, 0);
}

static struct acl_selector *add_selector(struct acl_user *u)
{
    struct heap *heap = u->context->heap;
    size_t one = sizeof *u->more;
    if (u->more_count == u->more_capacity) {
        uint32_t capacity = u->more_capacity ? 2 * u->more_capacity : 1;
        u->more =
            u->more ? heap_resize(heap, u->more, u->more_capacity * one, capacity * one, HEAP_OTHER)
                    : heap_take(heap, capacity * one, HEAP_OTHER);
        u->more_capacity = capacity;
    }
    return &u->more[u->more_count++];
}

void acl_user_copy(struct acl_user *u, const struct acl_user *from)
{
    struct heap *heap = u->context->heap;
    close_rights(u);
    u->is_on = from->is_on;
    u->needs_no_password = from->needs_no_password;
    u->skips_sanitizing = from->skips_sanitizing;
    u->is_unrestricted = from->is_unrestricted;
    acl_items_copy(&u->passwords, &from->passwords, heap);
    acl_selector_copy(&u->first, &from->first, heap);
    for (uint32_t i = 0; i < from->more_count; i++)
        acl_selector_copy(add_selector(u), &from->more[i], heap);
}

// ---- passwords

static enum acl_result add_digest(struct acl_user *u, const uint8_t digest[ACL_DIGEST_BYTES])
{
    struct bytes text = bytes_make(digest, ACL_DIGEST_BYTES);
    if (!acl_items_find(&u->passwords, text))
        acl_items_add(&u->passwords, u->context->heap, 0, text);
    u->needs_no_password = false;
    return ACL_DONE;
}

static enum acl_result remove_digest(struct acl_user *u, const uint8_t digest[ACL_DIGEST_BYTES])
{
    struct acl_item *item = acl_items_find(&u->passwords, bytes_make(digest, ACL_DIGEST_BYTES));
    if (!item) return ACL_NO_SUCH_PASSWORD;
    acl_items_remove(&u->passwords, u->context->heap, (uint32_t)(item - u->passwords.items));
    return ACL_DONE;
}

// >password <password #hash !hash
static enum acl_result apply_password(struct acl_user *u, struct bytes rule)
{
    uint8_t digest[ACL_DIGEST_BYTES];
    uint8_t sign = rule.data[0];
    bytes_skip(&rule, 1);
    if (sign == '>' || sign == '<') {
        if (!acl_password_digest(rule, digest)) return ACL_SYNTAX;
    } else if (!acl_hash_read(rule, digest)) {
        return ACL_BAD_HASH;
    }
    return sign == '>' || sign == '#' ? add_digest(u, digest) : remove_digest(u, digest);
}

bool acl_user_lets_in(const struct acl_user *u, struct bytes password)
{
    static const struct acl_items none;
    uint8_t digest[ACL_DIGEST_BYTES];
    bool fits = acl_password_digest(password, digest);
    bool matches = acl_passwords_match(u ? &u->passwords : &none, digest);
    return u && u->is_on && (u->needs_no_password || (fits && matches));
}

// ---- rules

static bool is_in_parentheses(struct bytes rule)
{
    return rule.size >= 2 && rule.data[0] == '(' && rule.data[rule.size - 1] == ')';
}

// Quotes count as on a command line; where they do not close, nothing in there counts, as in Redis.
static enum acl_result apply_words(struct acl_selector *s, const struct acl_context *context,
                                   struct bytes text, bool only_look)
{
    uint8_t *scratch = heap_take(context->heap, text.size + 1, HEAP_OTHER);
    if (text.size) memcpy(scratch, text.data, text.size);
    struct words words = { .text = scratch, .size = text.size };
    enum words_result next;
    enum acl_result result = ACL_DONE;
    struct bytes word;
    while (result == ACL_DONE && (next = words_next(&words, &word)) == WORDS_ONE)
        if (!only_look) result = acl_selector_apply(s, context->heap, context->catalog, word);
    if (only_look && next == WORDS_UNBALANCED) result = ACL_SYNTAX;
    heap_give(context->heap, scratch, text.size + 1, HEAP_OTHER);
    return result;
}

static enum acl_result apply_selector(struct acl_user *u, struct bytes rule)
{
    const struct acl_context *context = u->context;
    struct bytes inside = bytes_make(rule.data + 1, rule.size - 2);
    struct acl_selector s;
    enum acl_result result = ACL_DONE;
    acl_selector_init(&s, context->new_have_channels);
    if (apply_words(&s, context, inside, true) == ACL_DONE)
        result = apply_words(&s, context, inside, false);
    if (result == ACL_DONE)
        *add_selector(u) = s;
    else
        acl_selector_close(&s, context->heap);
    return result;
}

static void reset_user(struct acl_user *u)
{
    close_rights(u);
    u->is_on = u->needs_no_password = u->skips_sanitizing = false;
    acl_selector_init(&u->first, u->context->new_have_channels);
}

static enum acl_result apply_one(struct acl_user *u, struct bytes rule)
{
    if (rule.size == 0) return ACL_DONE;
    if (strchr("><#!", rule.data[0]) && rule.data[0]) return apply_password(u, rule);
    if (is_in_parentheses(rule)) return apply_selector(u, rule);
    if (bytes_is_word(rule, "on")) {
        u->is_on = true;
    } else if (bytes_is_word(rule, "off")) {
        u->is_on = false;
    } else if (bytes_is_word(rule, "nopass") || bytes_is_word(rule, "resetpass")) {
        u->needs_no_password = bytes_is_word(rule, "nopass");
        acl_items_clear(&u->passwords, u->context->heap);
    } else if (bytes_is_word(rule, "skip-sanitize-payload")) {
        u->skips_sanitizing = true;
    } else if (bytes_is_word(rule, "sanitize-payload")) {
        u->skips_sanitizing = false;
    } else if (bytes_is_word(rule, "clearselectors")) {
        close_more(u);
    } else if (bytes_is_word(rule, "reset")) {
        reset_user(u);
    } else {
        return acl_selector_apply(&u->first, u->context->heap, u->context->catalog, rule);
    }
    return ACL_DONE;
}

static void find_unrestricted(struct acl_user *u)
{
    u->is_unrestricted = false;
    for (uint32_t i = 0; i < acl_user_selector_count(u); i++)
        u->is_unrestricted |= acl_selector_allows_all(acl_user_selector(u, i));
}

// ---- lists of rules

// From rules[0], which is "(~a" alone: how many belong together; 0: its ")" does not come.
static uint32_t count_to_end(const struct bytes *rules, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (rules[i].size && rules[i].data[rules[i].size - 1] == ')') return i + 1;
    return 0;
}

static bool opens(struct bytes rule)
{
    return rule.size && rule.data[0] == '(' && rule.data[rule.size - 1] != ')';
}

// NULL: every '(' has its ')'.
static const struct bytes *find_unmatched(const struct bytes *rules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!opens(rules[i])) continue;
        uint32_t taken = count_to_end(rules + i, count - i);
        if (!taken) return &rules[i];
        i += taken - 1;
    }
    return NULL;
}

static void note_fault(struct acl_fault *fault, enum acl_result result, struct bytes rule)
{
    const uint8_t *nul = rule.size ? memchr(rule.data, 0, rule.size) : NULL;
    size_t size = nul ? (size_t)(nul - rule.data) : rule.size;
    fault->result = result;
    fault->size = (uint32_t)(size < ACL_FAULT_TEXT_MAX ? size : ACL_FAULT_TEXT_MAX);
    if (fault->size) memcpy(fault->rule, rule.data, fault->size);
}

static enum acl_result apply_joined(struct acl_user *u, const struct bytes *rules, uint32_t count,
                                    struct acl_fault *fault)
{
    struct heap *heap = u->context->heap;
    size_t size = count - 1, at = 0;
    for (uint32_t i = 0; i < count; i++) size += rules[i].size;
    uint8_t *text = heap_take(heap, size, HEAP_OTHER);
    for (uint32_t i = 0; i < count; i++) {
        if (i) text[at++] = ' ';
        if (rules[i].size) memcpy(text + at, rules[i].data, rules[i].size);
        at += rules[i].size;
    }
    enum acl_result result = apply_one(u, bytes_make(text, size));
    if (result != ACL_DONE) note_fault(fault, result, bytes_make(text, size));
    heap_give(heap, text, size, HEAP_OTHER);
    return result;
}

// Of rules[0] and what belongs to it; *taken: how many those are.
static enum acl_result apply_next(struct acl_user *u, const struct bytes *rules, uint32_t count,
                                  uint32_t *taken, struct acl_fault *fault)
{
    *taken = opens(rules[0]) ? count_to_end(rules, count) : 1;
    if (*taken > 1) return apply_joined(u, rules, *taken, fault);
    enum acl_result result = apply_one(u, rules[0]);
    if (result != ACL_DONE) note_fault(fault, result, rules[0]);
    return result;
}

enum acl_result acl_user_apply(struct acl_user *u, const struct bytes *rules, uint32_t count,
                               struct acl_fault *fault)
{
    enum acl_result result = ACL_DONE;
    const struct bytes *unmatched = find_unmatched(rules, count);
    if (unmatched) {
        note_fault(fault, ACL_UNMATCHED, *unmatched);
        return ACL_UNMATCHED;
    }
    for (uint32_t i = 0, taken; i < count && result == ACL_DONE; i += taken)
        result = apply_next(u, rules + i, count - i, &taken, fault);
    find_unrestricted(u);
    return result;
}

bool acl_user_apply_all(struct acl_user *u, const struct bytes *rules, uint32_t count,
                        acl_fault_told *told, void *context)
{
    struct acl_fault fault;
    if (find_unmatched(rules, count)) return false;
    for (uint32_t i = 0, taken; i < count; i += taken)
        if (apply_next(u, rules + i, count - i, &taken, &fault) != ACL_DONE) told(context, &fault);
    find_unrestricted(u);
    return true;
}

// ---- as text

uint32_t acl_user_flags(const struct acl_user *u, void (*put)(void *context, const char *flag),
                        void *context)
{
    const char *flags[3];
    uint32_t count = 0;
    flags[count++] = u->is_on ? "on" : "off";
    if (u->needs_no_password) flags[count++] = "nopass";
    flags[count++] = u->skips_sanitizing ? "skip-sanitize-payload" : "sanitize-payload";
    for (uint32_t i = 0; put && i < count; i++) put(context, flags[i]);
    return count;
}

static void put_flag(void *context, const char *flag)
{
    struct acl_out *out = context;
    acl_put_text(out, flag);
    acl_put_text(out, " ");
}

void acl_user_put(const struct acl_user *u, struct acl_out *out)
{
    acl_user_flags(u, put_flag, out);
    for (uint32_t i = 0; i < u->passwords.count; i++) {
        char hash[ACL_HASH_CHARS];
        acl_hash_write(u->passwords.items[i].text.data, hash);
        acl_put_text(out, "#");
        acl_put(out, bytes_make(hash, sizeof hash));
        acl_put_text(out, " ");
    }
    acl_selector_put(&u->first, out);
    for (uint32_t i = 0; i < u->more_count; i++) {
        acl_put_text(out, " (");
        acl_selector_put(&u->more[i], out);
        acl_put_text(out, ")");
    }
}
