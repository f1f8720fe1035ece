#include "dataplane/cmd/cmd_index.h"
#include "dataplane/cmd/command_ids.h"
#include "tests/unit/cmd/command_facts.h"
#include "tests/unit/cmd/harness.h"

static const struct command_fact *fact_find(const char *name)
{
    for (size_t i = 0; i < sizeof command_facts / sizeof command_facts[0]; i++)
        if (strcmp(command_facts[i].name, name) == 0) return &command_facts[i];
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The names of the set bits, in alphabetical order, joined by commas.
static void join_bits(uint64_t bits, const char *const *names, uint32_t count, char out[512])
{
    const char *set[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (bits >> i & 1) set[n++] = names[i];
    qsort(set, n, sizeof set[0], by_name);
    out[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i) strcat(out, ",");
        strcat(out, set[i]);
    }
}

Test(cmd_table, finds_every_command_in_any_case)
{
    for (uint16_t id = 0; id < command_top_count(); id++) {
        const struct command *row = command_by_id(id);
        char upper[64], mixed[64];
        size_t size = strlen(row->name);
        for (size_t i = 0; i <= size; i++) {
            upper[i] = (char)(row->name[i] >= 'a' && row->name[i] <= 'z' ? row->name[i] - 32
                                                                         : row->name[i]);
            mixed[i] = i % 2 ? upper[i] : row->name[i];
        }
        cr_expect(eq(ptr, (void *)command_find(bytes_text(row->name)), (void *)row));
        cr_expect(eq(ptr, (void *)command_find(bytes_text(upper)), (void *)row));
        cr_expect(eq(ptr, (void *)command_find(bytes_text(mixed)), (void *)row));
    }
}

Test(cmd_table, knows_no_prefix_extension_or_near_miss_of_a_name)
{
    for (uint16_t id = 0; id < command_top_count(); id++) {
        const char *name = command_by_id(id)->name;
        char text[72];
        size_t size = strlen(name);
        memcpy(text, name, size + 1);
        text[size] = '\0'; // a NUL behind it is part of the name asked for
        cr_expect(eq(ptr, (void *)command_find(bytes_make(text, size + 1)), NULL), "%s", name);
        for (size_t i = 0; i < size; i++) { // a letter with another bit set
            text[i] = (char)(text[i] ^ 0x40);
            cr_expect(eq(ptr, (void *)command_find(bytes_make(text, size)), NULL), "%s", text);
            text[i] = (char)(text[i] ^ 0xc0);
            cr_expect(eq(ptr, (void *)command_find(bytes_make(text, size)), NULL), "%s", text);
            text[i] = (char)(text[i] ^ 0x80);
        }
    }
    cr_expect(eq(ptr, (void *)command_find(bytes_make("", 0)), NULL));
    cr_expect(eq(ptr, (void *)command_find(BYTES_LITERAL("{et")), NULL));
    cr_expect(eq(ptr, (void *)command_find(BYTES_LITERAL("ge")), NULL));
    cr_expect(eq(ptr, (void *)command_find(BYTES_LITERAL("gets")), NULL));
}

Test(cmd_table, reads_no_byte_beyond_a_name_of_any_size)
{
    for (size_t size = 0; size < 40; size++) { // the sanitizer build sees a read past the block
        char *name = malloc(size ? size : 1);
        memset(name, 'z', size);
        cr_expect(eq(ptr, (void *)command_find(bytes_make(name, size)), NULL));
        free(name);
    }
}

Test(cmd_table, gives_ids_in_order_top_level_first)
{
    cr_expect(le(u32, command_count(), COMMAND_TALLY_MAX));
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        cr_assert(ne(ptr, (void *)row, NULL));
        cr_expect(eq(u16, row->id, id), "%s", row->full_name);
        bool is_sub = strchr(row->full_name, '|') != NULL;
        cr_expect(eq(int, is_sub, id >= command_top_count()), "%s", row->full_name);
    }
    cr_expect(eq(ptr, (void *)command_by_id((uint16_t)command_count()), NULL));
}

Test(cmd_table, has_a_body_or_subcommands_in_every_row)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        cr_expect(row->body || row->subcommand_count, "%s", row->full_name);
        for (uint32_t i = 0; i < row->subcommand_count; i++) {
            const struct command *sub = &row->subcommands[i];
            size_t size = strlen(row->name);
            cr_expect(eq(ptr, (void *)command_find_sub(row, bytes_text(sub->name)), (void *)sub));
            cr_expect(strncmp(sub->full_name, row->name, size) == 0 &&
                          sub->full_name[size] == '|' &&
                          strcmp(sub->full_name + size + 1, sub->name) == 0,
                      "%s in %s", sub->full_name, row->name);
            cr_expect(eq(ptr, (void *)command_by_id(sub->id), (void *)sub), "%s", sub->full_name);
        }
    }
}

Test(cmd_table, keeps_key_positions_within_the_arity)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        int least = row->arity < 0 ? -row->arity : row->arity;
        cr_expect(ge(int, least, strchr(row->full_name, '|') ? 2 : 1), "%s", row->full_name);
        if (row->first_key == 0) {
            cr_expect(row->last_key == 0 && row->key_step == 0, "%s", row->full_name);
            continue;
        }
        if (row->id == CMD_ID_SUNSUBSCRIBE) continue; // without names: from all
        cr_expect(lt(int, row->first_key, least), "%s", row->full_name);
        cr_expect(lt(int, row->last_key, least), "%s", row->full_name);
        cr_expect(ge(int, row->key_step, 1), "%s", row->full_name);
        if (row->last_key > 0) cr_expect(ge(int, row->last_key, row->first_key));
    }
}

// Rows that 7.2 changed against the recorded 7.0: flags and categories are then checked by nobody
// but this list.
static bool is_newer(const char *name)
{
    static const char *const names[] = {
        "client|no-touch",
        "client|setinfo",
        "waitaof",
        "wait",
        "command|getkeys",
        "command|getkeysandflags",
        "cluster|myshardid",
        // Blocking commands are allowed in scripts since 7.2, where they do not block.
        "blmove",
        "blmpop",
        "blpop",
        "brpop",
        "brpoplpush",
        "bzmpop",
        "bzpopmax",
        "bzpopmin",
        // WITHSCORE
        "zrank",
        "zrevrank",
        // 7.4
        "hexpire",
        "hexpireat",
        "hexpiretime",
        "hpersist",
        "hpexpire",
        "hpexpireat",
        "hpexpiretime",
        "hpttl",
        "httl",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

// Where we take an argument that Redis does not know: KILL UNDO.
static bool takes_more(const char *name)
{
    return strcmp(name, "script|kill") == 0 || strcmp(name, "function|kill") == 0;
}

Test(cmd_table, agrees_with_a_real_server_on_every_row)
{
    // SENTINEL, PROTECTED and MAY_REPLICATE are hidden in Redis's reply; touches_arbitrary_keys
    // came with 7.2.
    uint32_t shown =
        ~(uint32_t)(CMD_SENTINEL | CMD_PROTECTED | CMD_MAY_REPLICATE | CMD_TOUCHES_ARBITRARY_KEYS);
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        const struct command_fact *fact = fact_find(row->full_name);
        char text[512];
        if (is_newer(row->full_name)) continue;
        if (strncmp(row->full_name, "penstock", 8) == 0) continue; // nobody else's
        cr_expect(ne(ptr, (void *)fact, NULL), "%s", row->full_name);
        if (!fact) continue;
        cr_expect(eq(i16, row->arity, takes_more(row->full_name) ? (int16_t)-fact->arity : fact->arity),
                  "%s", row->full_name);
        cr_expect(eq(i16, row->first_key, fact->first_key), "%s", row->full_name);
        cr_expect(eq(i16, row->last_key, fact->last_key), "%s", row->full_name);
        cr_expect(eq(i16, row->key_step, fact->key_step), "%s", row->full_name);
        join_bits(row->flags & shown, command_flag_names, COMMAND_FLAG_COUNT, text);
        cr_expect(eq(str, text, (char *)fact->flags), "%s", row->full_name);
        join_bits(row->acl_categories, acl_category_names, ACL_CATEGORY_COUNT, text);
        cr_expect(eq(str, text, (char *)fact->acl), "%s", row->full_name);
    }
}

Test(cmd_table, names_flags_and_categories_by_their_bits)
{
    char text[512];
    join_bits(CMD_WRITE | CMD_FAST | CMD_SENTINEL, command_flag_names, COMMAND_FLAG_COUNT, text);
    cr_expect(eq(str, text, (char *)"fast,sentinel,write"));
    join_bits(ACL_KEYSPACE | ACL_FAST | ACL_SCRIPTING, acl_category_names, ACL_CATEGORY_COUNT,
              text);
    cr_expect(eq(str, text, (char *)"fast,keyspace,scripting"));
}
