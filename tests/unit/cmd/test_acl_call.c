#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "tests/unit/cmd/admin.h"

// The matrix: every command of the table against users made for it.

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(acl_call, .init = open_harness, .fini = close_harness);

static struct acl_user *make(const char *name, const char *rules)
{
    char text[512];
    struct bytes words[16];
    struct acl_fault fault;
    uint32_t count = 0;
    struct acl_users *users = &h->server.acl->users;
    struct acl_user *u = acl_users_find(users, bytes_text(name));
    if (!u) u = acl_users_add(users, bytes_text(name));
    snprintf(text, sizeof text, "reset %s", rules);
    for (char *rest = text, *word; (word = strsep(&rest, " "));) words[count++] = bytes_text(word);
    cr_assert(eq(int, acl_user_apply(u, words, count, &fault), ACL_DONE), "%s", rules);
    return u;
}

static enum acl_denial judge(const struct acl_user *u, const struct command *row,
                             const struct bytes *argv, uint32_t argc)
{
    return acl_judge(u, row, argv, argc).denial;
}

static bool is_within(const struct command *row, const struct command *container)
{
    for (uint32_t i = 0; i < container->subcommand_count; i++)
        if (&container->subcommands[i] == row) return true;
    return row == container;
}

Test(acl_call, allows_exactly_a_command_or_all_but_it)
{
    struct bytes argv[] = { bytes_text("x") };
    for (uint16_t a = 0; a < command_count(); a++) {
        char rules[128];
        const struct command *one = command_by_id(a);
        snprintf(rules, sizeof rules, "~* &* +%s", one->full_name);
        struct acl_user *only = make("only", rules);
        snprintf(rules, sizeof rules, "~* &* +@all -%s", one->full_name);
        struct acl_user *but = make("but", rules);
        for (uint16_t b = 0; b < command_count(); b++) {
            const struct command *row = command_by_id(b);
            bool always = row->flags & CMD_NO_AUTH, within = is_within(row, one);
            cr_expect(eq(int, judge(only, row, argv, 1) == ACL_ALLOWED, always || within),
                      "+%s: %s", one->full_name, row->full_name);
            cr_expect(eq(int, judge(but, row, argv, 1) == ACL_ALLOWED, always || !within),
                      "-%s: %s", one->full_name, row->full_name);
        }
    }
}

Test(acl_call, allows_the_commands_of_a_category)
{
    struct bytes argv[] = { bytes_text("x") };
    for (uint32_t i = 0; i < ACL_CATEGORY_COUNT; i++) {
        char rules[64];
        snprintf(rules, sizeof rules, "~* &* +@%s", acl_category_names[i]);
        struct acl_user *u = make("u", rules);
        for (uint16_t id = 0; id < command_count(); id++) {
            const struct command *row = command_by_id(id);
            if (!(row->acl_categories >> i & 1)) continue;
            cr_expect(eq(int, judge(u, row, argv, 1), ACL_ALLOWED), "+@%s: %s",
                      acl_category_names[i], row->full_name);
        }
    }
}

// ---- keys: a call of each command whose specs find keys, made from the specs

enum { ARGS_MAX = 24, TEXT_MAX = 16 };
struct sample {
    const struct command *row;
    struct bytes argv[ARGS_MAX];
    char texts[ARGS_MAX][TEXT_MAX];
    uint32_t argc;
    uint32_t keys[ARGS_MAX], flags[ARGS_MAX], count;
};

static void put(struct sample *s, int64_t index, const char *text)
{
    if (index > 0 && index < ARGS_MAX) s->argv[index] = bytes_text(text);
}

static void note_key(void *context, uint32_t index, uint32_t flags)
{
    struct sample *s = context;
    s->keys[s->count] = index;
    s->flags[s->count++] = flags;
}

// Numbers and keywords where the specs want them; everything else has a name of its own.
static bool make_sample(struct sample *s, const struct command *row)
{
    const struct command_docs *docs = &command_docs[row->id];
    uint32_t least = (uint32_t)(row->arity < 0 ? -row->arity : row->arity);
    *s = (struct sample){ .row = row, .argc = row->arity > 0 ? least : least + 8 };
    for (uint32_t i = 0; i < s->argc; i++) {
        snprintf(s->texts[i], sizeof s->texts[i], "k%u", i);
        s->argv[i] = bytes_text(s->texts[i]);
    }
    for (uint32_t i = 0; i < docs->key_spec_count; i++) {
        const struct command_key_spec *spec = &docs->key_specs[i];
        bool by_word = spec->begin == KEY_BEGIN_KEYWORD && spec->start > 0;
        int64_t word_at = i > 1 ? spec->start + 2 : spec->start;
        if (by_word) put(s, word_at, spec->keyword);
        if (spec->find == KEY_FIND_KEYNUM) put(s, spec->start + spec->find_values[0], "2");
    }
    return command_find_keys(row, s->argv, s->argc, note_key, s) && s->count;
}

static const char *sign_for(uint32_t flags)
{
    bool reads = flags & KEY_ACCESS, writes = flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE);
    return reads && writes ? "~" : writes ? "%W~" : "%R~";
}

static const char *sign_against(uint32_t flags)
{
    return flags & KEY_ACCESS                               ? "%W~"
           : flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE) ? "%R~"
                                                            : NULL;
}

// All keys as they are asked for, but the one at missing (UINT32_MAX: all).
static struct acl_user *make_for(const struct sample *s, uint32_t missing)
{
    char rules[512];
    int at = snprintf(rules, sizeof rules, "+@all &*");
    for (uint32_t i = 0; i < s->count; i++) {
        const char *sign = i == missing ? sign_against(s->flags[i]) : sign_for(s->flags[i]);
        if (!sign) continue;
        at += snprintf(rules + at, sizeof rules - (size_t)at, " %s%.*s", sign,
                       (int)s->argv[s->keys[i]].size, (const char *)s->argv[s->keys[i]].data);
    }
    return make("u", rules);
}

Test(acl_call, asks_for_every_key_as_the_specs_say)
{
    uint32_t commands = 0;
    for (uint16_t id = 0; id < command_count(); id++) {
        struct sample s;
        const struct command *row = command_by_id(id);
        if (!make_sample(&s, row)) continue;
        commands++;
        cr_expect(eq(int, judge(make_for(&s, UINT32_MAX), row, s.argv, s.argc), ACL_ALLOWED), "%s",
                  row->full_name);
        for (uint32_t i = 0; i < s.count; i++) {
            struct acl_verdict v = acl_judge(make_for(&s, i), row, s.argv, s.argc);
            cr_expect(eq(int, v.denial, ACL_DENIED_KEY), "%s, argument %u", row->full_name,
                      s.keys[i]);
            cr_expect(bytes_equal(s.argv[v.index], s.argv[s.keys[i]]), "%s, argument %u",
                      row->full_name, s.keys[i]);
        }
    }
    cr_expect(gt(u32, commands, 150)); // that it looked at them at all
}

// Every row that takes keys has a sample above, or is one of these.
Test(acl_call, finds_keys_of_every_command_that_has_them)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        struct sample s;
        const struct command *row = command_by_id(id);
        if (!command_has_keys(row)) continue;
        cr_expect(make_sample(&s, row), "%s", row->full_name);
    }
}

Test(acl_call, has_nothing_to_say_of_channels_that_one_leaves)
{
    struct bytes argv[] = { bytes_text("x"), bytes_text("c"), bytes_text("m") };
    struct acl_user *u = make("u", "+@all ~*");
    static const uint16_t denied[] = { CMD_ID_PUBLISH, CMD_ID_SPUBLISH, CMD_ID_SUBSCRIBE,
                                       CMD_ID_PSUBSCRIBE, CMD_ID_SSUBSCRIBE };
    static const uint16_t allowed[] = { CMD_ID_UNSUBSCRIBE, CMD_ID_PUNSUBSCRIBE,
                                        CMD_ID_SUNSUBSCRIBE, CMD_ID_PUBSUB_CHANNELS };
    for (uint32_t i = 0; i < 5; i++)
        cr_expect(eq(int, judge(u, command_by_id(denied[i]), argv, 3), ACL_DENIED_CHANNEL));
    for (uint32_t i = 0; i < 4; i++)
        cr_expect(eq(int, judge(u, command_by_id(allowed[i]), argv, 3), ACL_ALLOWED));
    u = make("u", "+@all ~* &c");
    for (uint32_t i = 0; i < 2; i++) // what is published is no channel
        cr_expect(eq(int, judge(u, command_by_id(denied[i]), argv, 3), ACL_ALLOWED));
    for (uint32_t i = 2; i < 5; i++)
        cr_expect(eq(u32, acl_judge(u, command_by_id(denied[i]), argv, 3).index, 2));
}

Test(acl_call, tells_the_reason_that_came_furthest)
{
    struct bytes argv[] = { bytes_text("mget"), bytes_text("a"), bytes_text("b"), bytes_text("c") };
    const struct command *mget = command_find(bytes_text("mget"));
    struct acl_verdict v = acl_judge(make("u", "+get (+mget ~a) (+mget ~a ~b)"), mget, argv, 4);
    cr_expect(eq(int, v.denial, ACL_DENIED_KEY));
    cr_expect(eq(u32, v.index, 3));
    v = acl_judge(make("u", "+get (+set)"), mget, argv, 4);
    cr_expect(eq(int, v.denial, ACL_DENIED_COMMAND));
}
