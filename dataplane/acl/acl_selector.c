#include "dataplane/acl/acl_selector.h"
#include "dataplane/base/check.h"
#include "dataplane/base/glob.h"
#include "dataplane/base/status.h"

// ---- life

void acl_selector_init(struct acl_selector *s, bool all_channels)
{
    *s = (struct acl_selector){ .is_additive = true, .all_channels = all_channels };
}

void acl_selector_close(struct acl_selector *s, struct heap *heap)
{
    acl_items_clear(&s->keys, heap);
    acl_items_clear(&s->channels, heap);
    acl_items_clear(&s->arguments, heap);
    acl_items_clear(&s->rules, heap);
}

void acl_selector_copy(struct acl_selector *to, const struct acl_selector *from, struct heap *heap)
{
    *to = *from;
    acl_items_copy(&to->keys, &from->keys, heap);
    acl_items_copy(&to->channels, &from->channels, heap);
    acl_items_copy(&to->arguments, &from->arguments, heap);
    acl_items_copy(&to->rules, &from->rules, heap);
}

void acl_selector_reset(struct acl_selector *s, struct heap *heap, bool all_channels)
{
    acl_selector_close(s, heap);
    acl_selector_init(s, all_channels);
}

// ---- the list of rules: a later one takes the place of those that it makes void

static bool starts_with(struct bytes text, struct bytes head)
{
    return text.size >= head.size && bytes_equal(bytes_make(text.data, head.size), head);
}

// A command's rule makes void those of its subcommands and first arguments, too.
static bool is_covered(struct bytes old, struct bytes rule)
{
    return starts_with(old, rule) && (old.size == rule.size || old.data[rule.size] == '|');
}

static void keep_rule(struct acl_selector *s, struct heap *heap, struct bytes rule, bool allows)
{
    uint8_t *lower = heap_take(heap, rule.size, HEAP_OTHER);
    for (size_t i = 0; i < rule.size; i++) {
        uint8_t c = rule.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    struct bytes text = bytes_make(lower, rule.size);
    for (uint32_t i = s->rules.count; i-- > 0;)
        if (is_covered(s->rules.items[i].text, text)) acl_items_remove(&s->rules, heap, i);
    acl_items_add(&s->rules, heap, allows, text);
    heap_give(heap, lower, rule.size, HEAP_OTHER);
}

// ---- commands

static bool has_bit(const struct acl_selector *s, uint32_t id)
{
    return s->commands[id / 64] >> (id % 64) & 1;
}

static void drop_arguments(struct acl_selector *s, struct heap *heap, uint32_t id)
{
    for (uint32_t i = s->arguments.count; i-- > 0;)
        if (s->arguments.items[i].tag == id) acl_items_remove(&s->arguments, heap, i);
}

static void set_one(struct acl_selector *s, struct heap *heap, uint32_t id, bool allows)
{
    uint64_t bit = 1ull << (id % 64);
    if (allows) {
        s->commands[id / 64] |= bit;
    } else {
        s->commands[id / 64] &= ~bit;
        s->all_commands = false;
    }
    drop_arguments(s, heap, id);
}

// A container stands for what it contains.
static void set_command(struct acl_selector *s, struct heap *heap,
                        const struct acl_catalog *catalog, uint32_t id, bool allows)
{
    set_one(s, heap, id, allows);
    if (!catalog->commands[id].is_container) return;
    for (uint32_t i = 0; i < catalog->command_count; i++)
        if (catalog->commands[i].parent == id) set_one(s, heap, i, allows);
}

static void set_all(struct acl_selector *s, struct heap *heap, bool allows)
{
    memset(s->commands, allows ? 0xff : 0, sizeof s->commands);
    s->all_commands = allows;
    s->is_additive = !allows;
    acl_items_clear(&s->rules, heap);
    acl_items_clear(&s->arguments, heap);
}

// rule: with its '@'.
static enum acl_result set_category(struct acl_selector *s, struct heap *heap,
                                    const struct acl_catalog *catalog, struct bytes rule,
                                    bool allows)
{
    if (bytes_is_word(rule, "@all")) {
        set_all(s, heap, allows);
        return ACL_DONE;
    }
    uint64_t category = acl_catalog_category(catalog, bytes_make(rule.data + 1, rule.size - 1));
    if (!category) return ACL_UNKNOWN_COMMAND;
    for (uint32_t id = 0; id < catalog->command_count; id++)
        if (catalog->commands[id].categories & category) set_command(s, heap, catalog, id, allows);
    keep_rule(s, heap, rule, allows);
    return ACL_DONE;
}

static bool has_argument(const struct acl_selector *s, uint32_t id, struct bytes argument)
{
    for (uint32_t i = 0; i < s->arguments.count; i++) {
        const struct acl_item *item = &s->arguments.items[i];
        if (item->tag == id && bytes_equal_nocase(item->text, argument)) return true;
    }
    return false;
}

// +select|0: of a command without subcommands, with one first argument only. rule: without '+'.
static enum acl_result allow_argument(struct acl_selector *s, struct heap *heap,
                                      const struct acl_catalog *catalog, struct bytes rule)
{
    size_t bar = rule.size;
    while (bar > 0 && rule.data[bar - 1] != '|') bar--;
    if (bar == 0) return ACL_UNKNOWN_COMMAND;
    struct bytes argument = bytes_make(rule.data + bar, rule.size - bar);
    uint16_t id = acl_catalog_find(catalog, bytes_make(rule.data, bar - 1));
    if (id == ACL_NO_PARENT) return ACL_UNKNOWN_COMMAND;
    const struct acl_command *command = &catalog->commands[id];
    if (command->parent != ACL_NO_PARENT) return ACL_ARGUMENT_OF_SUBCOMMAND;
    if (argument.size == 0) return ACL_SYNTAX;
    if (command->is_container) return ACL_UNKNOWN_COMMAND; // no such subcommand
    if (acl_text_has_spaces(argument)) return ACL_SYNTAX;  // its line could not be read again
    if (!has_argument(s, id, argument)) acl_items_add(&s->arguments, heap, id, argument);
    keep_rule(s, heap, rule, true);
    return ACL_DONE;
}

static enum acl_result apply_command(struct acl_selector *s, struct heap *heap,
                                     const struct acl_catalog *catalog, struct bytes rule)
{
    bool allows = rule.data[0] == '+';
    bytes_skip(&rule, 1);
    if (rule.size && rule.data[0] == '@') return set_category(s, heap, catalog, rule, allows);
    uint16_t id = acl_catalog_find(catalog, rule);
    if (id == ACL_NO_PARENT)
        return allows ? allow_argument(s, heap, catalog, rule) : ACL_UNKNOWN_COMMAND;
    set_command(s, heap, catalog, id, allows);
    keep_rule(s, heap, rule, allows);
    return ACL_DONE;
}

// ---- keys and channels

bool acl_text_has_spaces(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == 0 || c == ' ' || (c >= '\t' && c <= '\r')) return true;
    }
    return false;
}

// "~" or "%R~", "%W~", "%RW~": each letter once. Leaves the pattern in rule; 0: malformed.
static uint32_t take_access(struct bytes *rule)
{
    uint32_t access = 0;
    uint8_t c;
    if (!bytes_u8(rule, &c) || c == '~') return ACL_MAY_ALL;
    while (bytes_u8(rule, &c)) {
        uint32_t letter = (c | 32) == 'r' ? ACL_MAY_READ : (c | 32) == 'w' ? ACL_MAY_WRITE : 0;
        if (c == '~') return access;
        if (!letter || (access & letter)) return 0;
        access |= letter;
    }
    return 0;
}

static enum acl_result add_keys(struct acl_selector *s, struct heap *heap, struct bytes rule)
{
    if (s->all_keys) return ACL_KEYS_ARE_ALL;
    uint32_t access = take_access(&rule);
    if (!access || acl_text_has_spaces(rule)) return ACL_SYNTAX;
    struct acl_item *same = acl_items_find(&s->keys, rule);
    if (same)
        same->tag |= access;
    else
        acl_items_add(&s->keys, heap, access, rule);
    return ACL_DONE;
}

static enum acl_result add_channels(struct acl_selector *s, struct heap *heap, struct bytes rule)
{
    bytes_skip(&rule, 1);
    if (s->all_channels) return ACL_CHANNELS_ARE_ALL;
    if (acl_text_has_spaces(rule)) return ACL_SYNTAX;
    if (!acl_items_find(&s->channels, rule)) acl_items_add(&s->channels, heap, 0, rule);
    return ACL_DONE;
}

static bool is_either(struct bytes rule, const char *a, const char *b)
{
    return bytes_is_word(rule, a) || bytes_is_word(rule, b);
}

enum acl_result acl_selector_apply(struct acl_selector *s, struct heap *heap,
                                   const struct acl_catalog *catalog, struct bytes rule)
{
    CHECK(catalog->command_count <= ACL_COMMANDS_MAX);
    if (is_either(rule, "allkeys", "~*") || bytes_is_word(rule, "resetkeys")) {
        s->all_keys = !bytes_is_word(rule, "resetkeys");
        acl_items_clear(&s->keys, heap);
    } else if (is_either(rule, "allchannels", "&*") || bytes_is_word(rule, "resetchannels")) {
        s->all_channels = !bytes_is_word(rule, "resetchannels");
        acl_items_clear(&s->channels, heap);
    } else if (bytes_is_word(rule, "allcommands") || bytes_is_word(rule, "nocommands")) {
        set_all(s, heap, bytes_is_word(rule, "allcommands"));
    } else if (rule.size && (rule.data[0] == '~' || rule.data[0] == '%')) {
        return add_keys(s, heap, rule);
    } else if (rule.size && rule.data[0] == '&') {
        return add_channels(s, heap, rule);
    } else if (rule.size && (rule.data[0] == '+' || rule.data[0] == '-')) {
        return apply_command(s, heap, catalog, rule);
    } else {
        return ACL_SYNTAX;
    }
    return ACL_DONE;
}

// ---- what is allowed

bool acl_selector_allows_command(const struct acl_selector *s, uint32_t id, struct bytes argument)
{
    if (LIKELY(s->all_commands || has_bit(s, id))) return true;
    return s->arguments.count && argument.data && has_argument(s, id, argument);
}

bool acl_selector_allows_key(const struct acl_selector *s, struct bytes key, uint32_t access)
{
    if (s->all_keys) return true;
    for (uint32_t i = 0; i < s->keys.count; i++) {
        const struct acl_item *item = &s->keys.items[i];
        if ((item->tag & access) == access && glob_match(item->text, key, false)) return true;
    }
    return false;
}

bool acl_selector_allows_channel(const struct acl_selector *s, struct bytes channel,
                                 bool is_pattern)
{
    if (s->all_channels) return true;
    for (uint32_t i = 0; i < s->channels.count; i++) {
        struct bytes granted = s->channels.items[i].text;
        if (is_pattern ? bytes_equal(granted, channel) : glob_match(granted, channel, false))
            return true;
    }
    return false;
}

bool acl_selector_allows_all_keys(const struct acl_selector *s, uint32_t access)
{
    if (s->all_keys) return true;
    const struct acl_item *item = acl_items_find(&s->keys, BYTES_LITERAL("*"));
    return item && (item->tag & access) == access;
}

// ---- as text

void acl_selector_put_commands(const struct acl_selector *s, struct acl_out *out)
{
    acl_put_text(out, s->is_additive ? "-@all" : "+@all");
    for (uint32_t i = 0; i < s->rules.count; i++) {
        acl_put_text(out, s->rules.items[i].tag ? " +" : " -");
        acl_put(out, s->rules.items[i].text);
    }
}

// Behind "~*" no pattern would be read again: where it is one of several, it is shown longer than
// Redis does.
static const char *sign_of(const struct acl_items *keys, uint32_t index)
{
    static const char *const signs[] = { "~", "%R~", "%W~", "~" };
    const struct acl_item *item = &keys->items[index];
    if (item->tag == ACL_MAY_ALL && index + 1 < keys->count &&
        bytes_equal(item->text, BYTES_LITERAL("*")))
        return "%RW~";
    return signs[item->tag & ACL_MAY_ALL];
}

void acl_selector_put_keys(const struct acl_selector *s, struct acl_out *out)
{
    if (s->all_keys) acl_put_text(out, "~*");
    for (uint32_t i = 0; i < s->keys.count; i++) {
        if (i) acl_put_text(out, " ");
        acl_put_text(out, sign_of(&s->keys, i));
        acl_put(out, s->keys.items[i].text);
    }
}

void acl_selector_put_channels(const struct acl_selector *s, struct acl_out *out)
{
    if (s->all_channels) acl_put_text(out, "&*");
    for (uint32_t i = 0; i < s->channels.count; i++) {
        acl_put_text(out, i ? " &" : "&");
        acl_put(out, s->channels.items[i].text);
    }
}

void acl_selector_put(const struct acl_selector *s, struct acl_out *out)
{
    if (s->all_keys || s->keys.count) {
        acl_selector_put_keys(s, out);
        acl_put_text(out, " ");
    }
    if (!s->all_channels) acl_put_text(out, "resetchannels ");
    if (s->all_channels || s->channels.count) {
        acl_selector_put_channels(s, out);
        acl_put_text(out, " ");
    }
    acl_selector_put_commands(s, out);
}
