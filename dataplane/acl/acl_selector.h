// acl_selector.h: one set of permissions: which commands, on which keys, to which channels. A user
// has a first one and may have more; a call needs all that it asks for within one of them.
//
// Source:  Redis 7.2's selectors: rules are kept in their order, so that the text of a selector
//          makes the same one again
// Thread:  the shard
// Memory:  lists on the heap given at each change (HEAP_OTHER); acl_selector_close gives them back
#pragma once
#include "dataplane/acl/acl.h"
#include "dataplane/acl/acl_items.h"
#include "dataplane/acl/acl_out.h"

struct acl_selector {
    uint64_t commands[ACL_COMMANDS_MAX / 64]; // bit of each id
    bool all_commands; // nothing was taken away since +@all: commands are not looked at
    bool is_additive;  // by -@all: what the text begins with
    bool all_keys, all_channels;
    struct acl_items keys;      // patterns, tag: enum acl_access
    struct acl_items channels;  // patterns
    struct acl_items arguments; // first arguments that let a command through, tag: its id
    struct acl_items rules;     // of commands, in lower case, tag: whether allowed
};

void acl_selector_init(struct acl_selector *s, bool all_channels); // may do nothing
void acl_selector_close(struct acl_selector *s, struct heap *heap);
void acl_selector_copy(struct acl_selector *to, const struct acl_selector *from,
                       struct heap *heap); // to is not closed first
void acl_selector_reset(struct acl_selector *s, struct heap *heap, bool all_channels);
// One rule that is about commands, keys or channels.
enum acl_result acl_selector_apply(struct acl_selector *s, struct heap *heap,
                                   const struct acl_catalog *catalog, struct bytes rule);

// argument: the first after the command's name; none: NULL data.
bool acl_selector_allows_command(const struct acl_selector *s, uint32_t id, struct bytes argument);
bool acl_selector_allows_key(const struct acl_selector *s, struct bytes key, uint32_t access);
// is_pattern: what a client subscribes to by pattern has to be granted in the same letters.
bool acl_selector_allows_channel(const struct acl_selector *s, struct bytes channel,
                                 bool is_pattern);
bool acl_selector_allows_all_keys(const struct acl_selector *s, uint32_t access);
static inline bool acl_selector_allows_all(const struct acl_selector *s)
{
    return s->all_commands && s->all_keys && s->all_channels;
}

// "-@all +get"; "~a %R~b"; "&c". The whole, as in a line of ACL LIST.
void acl_selector_put_commands(const struct acl_selector *s, struct acl_out *out);
void acl_selector_put_keys(const struct acl_selector *s, struct acl_out *out);
void acl_selector_put_channels(const struct acl_selector *s, struct acl_out *out);
void acl_selector_put(const struct acl_selector *s, struct acl_out *out);

bool acl_text_has_spaces(struct bytes text); // or a NUL
