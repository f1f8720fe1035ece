#include "tests/unit/acl/catalog.h"

TestSuite(acl_user, .init = open_users, .fini = close_users);

#define HASH_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" // of "a"
#define HASH_B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define HASH_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UNKNOWN ": Unknown command or category name in ACL"
#define SYNTAX ": Syntax error"
#define KEYS_ALL                                                                                   \
    ": Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not "    \
    "have any effect. Try 'resetkeys' to start with an empty list of patterns"
#define CHANNELS_ALL                                                                               \
    ": Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does "    \
    "not have any effect. Try 'resetchannels' to start with an empty list of channels"
#define NO_PASSWORD ": The password you are trying to remove from the user does not exist"
#define BAD_HASH                                                                                   \
    ": The password hash must be exactly 64 characters and contain only lowercase hexadecimal "    \
    "characters"
#define NONE "off sanitize-payload resetchannels -@all"
#define OFF "off sanitize-payload "

// Rules stand between '|'; ',' is a '|' within a rule. Each line was compared with redis-server
// 7.0.15, but for what 7.2 shows otherwise: sanitize-payload, and command rules in their order.
static const struct {
    const char *rules, *shown;
} lines[] = {
    { "", NONE },
    // switches
    { "on", "on sanitize-payload resetchannels -@all" },
    { "ON|Off|oN", "on sanitize-payload resetchannels -@all" },
    { "on|off", NONE },
    { "skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all" },
    { "skip-sanitize-payload|sanitize-payload", NONE },
    { "|on|", "on sanitize-payload resetchannels -@all" },
    { "foo", "foo" SYNTAX },
    { "onn", "onn" SYNTAX },
    { "on |x", "on " SYNTAX },
    { "on|off|foo", "foo" SYNTAX },
    { "\t", "\t" SYNTAX },
    { "1", "1" SYNTAX },
    { "@all", "@all" SYNTAX },
    { "get", "get" SYNTAX },
    { "*", "*" SYNTAX },
    // passwords
    { ">a", OFF "#" HASH_A " resetchannels -@all" },
    { ">", OFF "#" HASH_EMPTY " resetchannels -@all" },
    { ">a|>b", OFF "#" HASH_A " #" HASH_B " resetchannels -@all" },
    { ">b|>a|>b", OFF "#" HASH_B " #" HASH_A " resetchannels -@all" },
    { ">a|<a", NONE },
    { ">a|>b|<a", OFF "#" HASH_B " resetchannels -@all" },
    { "<a", "<a" NO_PASSWORD },
    { ">a|<b", "<b" NO_PASSWORD },
    { ">a|<a|<a", "<a" NO_PASSWORD },
    { "#" HASH_A, OFF "#" HASH_A " resetchannels -@all" },
    { "#" HASH_A "|>a", OFF "#" HASH_A " resetchannels -@all" },
    { ">a|!" HASH_A, NONE },
    { "!" HASH_A, "!" HASH_A NO_PASSWORD },
    { "#", "#" BAD_HASH },
    { "#abc", "#abc" BAD_HASH },
    { "!abc", "!abc" BAD_HASH },
    { "!", "!" BAD_HASH },
    { "#" HASH_A "0", "#" HASH_A "0" BAD_HASH },
    { "#CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      "#CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" BAD_HASH },
    { "#ga978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      "#ga978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" BAD_HASH },
    { "nopass", "off nopass sanitize-payload resetchannels -@all" },
    { ">a|nopass", "off nopass sanitize-payload resetchannels -@all" },
    { "nopass|>a", OFF "#" HASH_A " resetchannels -@all" },
    { "nopass|#" HASH_A, OFF "#" HASH_A " resetchannels -@all" },
    { "nopass|resetpass", NONE },
    { ">a|resetpass", NONE },
    { ">a|RESETPASS|>b", OFF "#" HASH_B " resetchannels -@all" },
    { "on|>a|nopass|~*|&*|+@all", "on nopass sanitize-payload ~* &* +@all" },
    // keys
    { "~a", OFF "~a resetchannels -@all" },
    { "~a|~b", OFF "~a ~b resetchannels -@all" },
    { "~b|~a|~b", OFF "~b ~a resetchannels -@all" },
    { "~", OFF "~ resetchannels -@all" },
    { "~*", OFF "~* resetchannels -@all" },
    { "~**", OFF "~** resetchannels -@all" },
    { "~a|~*", OFF "~* resetchannels -@all" },
    { "~a|allkeys", OFF "~* resetchannels -@all" },
    { "AllKeys", OFF "~* resetchannels -@all" },
    { "~*|resetkeys", NONE },
    { "~a|ResetKeys|~b", OFF "~b resetchannels -@all" },
    { "~*|~a", "~a" KEYS_ALL },
    { "~*|%R~a", "%R~a" KEYS_ALL },
    { "~*|%foo", "%foo" KEYS_ALL },
    { "allkeys|~*", OFF "~* resetchannels -@all" },
    { "%R~a", OFF "%R~a resetchannels -@all" },
    { "%W~a", OFF "%W~a resetchannels -@all" },
    { "%RW~a", OFF "~a resetchannels -@all" },
    { "%wr~a", OFF "~a resetchannels -@all" },
    { "%r~a|%w~b", OFF "%R~a %W~b resetchannels -@all" },
    { "%R~a|%W~a", OFF "~a resetchannels -@all" },
    { "%R~a|~a", OFF "~a resetchannels -@all" },
    { "~a|%R~a", OFF "~a resetchannels -@all" },
    { "%R~a|%R~a", OFF "%R~a resetchannels -@all" },
    { "%R~*", OFF "%R~* resetchannels -@all" },
    { "%RW~*", OFF "~* resetchannels -@all" },
    { "%RW~*|~a", OFF "%RW~* ~a resetchannels -@all" },
    { "%R~~a", OFF "%R~~a resetchannels -@all" },
    { "%R~", OFF "%R~ resetchannels -@all" },
    { "%", "%" SYNTAX },
    { "%~", "%~" SYNTAX },
    { "%~a", "%~a" SYNTAX },
    { "%R", "%R" SYNTAX },
    { "%Ra", "%Ra" SYNTAX },
    { "%RR~a", "%RR~a" SYNTAX },
    { "%RWR~a", "%RWR~a" SYNTAX },
    { "%X~a", "%X~a" SYNTAX },
    { "% R~a", "% R~a" SYNTAX },
    { "~a b", "~a b" SYNTAX },
    { "~a\tb", "~a\tb" SYNTAX },
    { "~a\n", "~a\n" SYNTAX },
    { "%R~a b", "%R~a b" SYNTAX },
    { "~a\"b", OFF "~a\"b resetchannels -@all" },
    { "~(", OFF "~( resetchannels -@all" },
    { "~a)", OFF "~a) resetchannels -@all" },
    // channels
    { "&a", OFF "resetchannels &a -@all" },
    { "&", OFF "resetchannels & -@all" },
    { "&a|&b|&a", OFF "resetchannels &a &b -@all" },
    { "&*", OFF "&* -@all" },
    { "allchannels", OFF "&* -@all" },
    { "&a|&*", OFF "&* -@all" },
    { "&*|&a", "&a" CHANNELS_ALL },
    { "&*|resetchannels", NONE },
    { "&a|resetchannels|&b", OFF "resetchannels &b -@all" },
    { "&a b", "&a b" SYNTAX },
    { "~k|&c", OFF "~k resetchannels &c -@all" },
    // commands
    { "+get", OFF "resetchannels -@all +get" },
    { "+GeT", OFF "resetchannels -@all +get" },
    { "-get", OFF "resetchannels -@all -get" },
    { "+get|-get", OFF "resetchannels -@all -get" },
    { "-get|+get", OFF "resetchannels -@all +get" },
    { "+get|+set", OFF "resetchannels -@all +get +set" },
    { "+get|+set|+get", OFF "resetchannels -@all +set +get" },
    { "+nosuch", "+nosuch" UNKNOWN },
    { "-nosuch", "-nosuch" UNKNOWN },
    { "+", "+" UNKNOWN },
    { "-", "-" UNKNOWN },
    { "+,", "+|" UNKNOWN },
    { "-,", "-|" UNKNOWN },
    { "+ get", "+ get" UNKNOWN },
    { "+get ", "+get " UNKNOWN },
    { "+ge", "+ge" UNKNOWN },
    { "+gett", "+gett" UNKNOWN },
    { "+config", OFF "resetchannels -@all +config" },
    { "+config,get", OFF "resetchannels -@all +config|get" },
    { "+Config,GET", OFF "resetchannels -@all +config|get" },
    { "+config,get|+config", OFF "resetchannels -@all +config" },
    { "+config|+config,get", OFF "resetchannels -@all +config +config|get" },
    { "+config|-config,set", OFF "resetchannels -@all +config -config|set" },
    { "+config|-config,set|+config", OFF "resetchannels -@all +config" },
    { "+config,get|-config", OFF "resetchannels -@all -config" },
    { "+config,nosuch", "+config|nosuch" UNKNOWN },
    { "-config,nosuch", "-config|nosuch" UNKNOWN },
    { "+config,", "+config|" SYNTAX },
    { "-config,", "-config|" UNKNOWN },
    { "+config,get,x", "+config|get|x: Allowing first-arg of a subcommand is not supported" },
    { "-config,get,x", "-config|get|x" UNKNOWN },
    { "+nosuch,get", "+nosuch|get" UNKNOWN },
    // first arguments
    { "+select,0", OFF "resetchannels -@all +select|0" },
    { "+select,0|+select,1", OFF "resetchannels -@all +select|0 +select|1" },
    { "+select,0|+select,0", OFF "resetchannels -@all +select|0" },
    { "+select,A|+select,a", OFF "resetchannels -@all +select|a" },
    { "+select,0|+select", OFF "resetchannels -@all +select" },
    { "+select|+select,0", OFF "resetchannels -@all +select +select|0" },
    { "+select,0|-select", OFF "resetchannels -@all -select" },
    { "-select,0", "-select|0" UNKNOWN },
    { "+select,", "+select|" SYNTAX },
    { "+select,0,1", "+select|0|1" UNKNOWN },
    { "+select,a b", "+select|a b" SYNTAX },
    { "+select,0|+@fast", OFF "resetchannels -@all +select|0 +@fast" },
    { "+select,0|-@all|+select,1", OFF "resetchannels -@all +select|1" },
    // categories
    { "+@all", OFF "resetchannels +@all" },
    { "allcommands", OFF "resetchannels +@all" },
    { "+@ALL", OFF "resetchannels +@all" },
    { "-@all", NONE },
    { "nocommands", NONE },
    { "+@all|-@all", NONE },
    { "+@all|-get", OFF "resetchannels +@all -get" },
    { "+@all|-get|+get", OFF "resetchannels +@all +get" },
    { "-get|+@all", OFF "resetchannels +@all" },
    { "+get|-@all", NONE },
    { "+@read", OFF "resetchannels -@all +@read" },
    { "+@READ|+@Read", OFF "resetchannels -@all +@read" },
    { "+@read|-@read|+@read", OFF "resetchannels -@all +@read" },
    { "+@read|+get", OFF "resetchannels -@all +@read +get" },
    { "+get|+@read", OFF "resetchannels -@all +get +@read" },
    { "+@read|-@write|+@read", OFF "resetchannels -@all -@write +@read" },
    { "+@all|-@admin|+config,get", OFF "resetchannels +@all -@admin +config|get" },
    { "-@admin", OFF "resetchannels -@all -@admin" },
    { "+@nosuch", "+@nosuch" UNKNOWN },
    { "-@nosuch", "-@nosuch" UNKNOWN },
    { "+@", "+@" UNKNOWN },
    { "-@", "-@" UNKNOWN },
    { "+@all,x", "+@all|x" UNKNOWN },
    { "+@@all", "+@@all" UNKNOWN },
    // selectors
    { "()", OFF "resetchannels -@all (resetchannels -@all)" },
    { "( )", OFF "resetchannels -@all (resetchannels -@all)" },
    { "(~a +get)", OFF "resetchannels -@all (~a resetchannels -@all +get)" },
    { "(~a|+get)", OFF "resetchannels -@all (~a resetchannels -@all +get)" },
    { "(|~a|+get|)", OFF "resetchannels -@all (~a resetchannels -@all +get)" },
    { "(  ~a   +get )", OFF "resetchannels -@all (~a resetchannels -@all +get)" },
    { "(+@all ~* &*)", OFF "resetchannels -@all (~* &* +@all)" },
    { "(%R~x|&y|-get)|+set", OFF "resetchannels -@all +set (%R~x resetchannels &y -@all -get)" },
    { "(~a)|(~b)", OFF "resetchannels -@all (~a resetchannels -@all) (~b resetchannels -@all)" },
    { "(~a)|clearselectors", NONE },
    { "(~a)|ClearSelectors|(~b)", OFF "resetchannels -@all (~b resetchannels -@all)" },
    { "(\"~a\" '+get')", OFF "resetchannels -@all (~a resetchannels -@all +get)" },
    { "(+select,0)", OFF "resetchannels -@all (resetchannels -@all +select|0)" },
    { "(\"foo)", OFF "resetchannels -@all (resetchannels -@all)" },
    { "(~a|on", "(~a: Unmatched parenthesis in selector definition" },
    { "(", "(: Unmatched parenthesis in selector definition" },
    { "foo|(", "(: Unmatched parenthesis in selector definition" },
    { "(~a)|(~b", "(~b: Unmatched parenthesis in selector definition" },
    { ")", ")" SYNTAX },
    { "(~a))", OFF "resetchannels -@all (~a) resetchannels -@all)" },
    { "(on)", "(on)" SYNTAX },
    { "(>a)", "(>a)" SYNTAX },
    { "(nopass)", "(nopass)" SYNTAX },
    { "(reset)", "(reset)" SYNTAX },
    { "(clearselectors)", "(clearselectors)" SYNTAX },
    { "(~a (+get))", "(~a (+get))" SYNTAX },
    { "(+nosuch)", "(+nosuch)" UNKNOWN },
    { "(~* ~a)", "(~* ~a)" KEYS_ALL },
    { "(~a|+nosuch)", "(~a +nosuch)" UNKNOWN },
    { "(~a b)", "(~a b)" SYNTAX },
    // reset
    { "on|>a|~*|&*|+@all|(~a)|skip-sanitize-payload|reset", NONE },
    { "RESET|+get|reset", NONE },
    { "on|nopass|reset|on", "on sanitize-payload resetchannels -@all" },
    { "reset|on|+@all|-@all|~x|resetkeys|&x|resetchannels|(~a)|clearselectors",
      "on sanitize-payload resetchannels -@all" },
};

Test(acl_user, makes_of_rules_what_redis_makes_of_them)
{
    for (uint32_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(eq(str, (char *)made_of(lines[i].rules), (char *)lines[i].shown), "%s",
                  lines[i].rules);
}

static struct acl_user *add(const char *name, const char *line)
{
    char text[1024];
    struct bytes rules[32];
    struct acl_fault fault;
    struct acl_user *u = acl_users_add(&users, bytes_text(name));
    snprintf(text, sizeof text, "%s", line);
    cr_assert(eq(int, acl_user_apply(u, rules, split_rules(text, rules), &fault), ACL_DONE));
    return u;
}

// Whatever a user is, its text makes it again.
Test(acl_user, is_made_again_by_its_text)
{
    for (uint32_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *expected = lines[i].shown;
        char text[1024];
        bool is_user = strncmp(expected, "off ", 4) == 0 || strncmp(expected, "on ", 3) == 0;
        if (!is_user || strstr(expected, ": ") || strstr(lines[i].rules, "))")) continue;
        snprintf(text, sizeof text, "%s", expected);
        for (char *c = text; *c; c++) *c = *c == '|' ? ',' : *c == ' ' ? '|' : *c;
        cr_expect(eq(str, (char *)made_of(text), (char *)expected));
    }
}

static bool may(const struct acl_user *u, uint32_t id)
{
    return acl_selector_allows_command(&u->first, id, bytes_make(NULL, 0));
}

Test(acl_user, allows_a_container_with_all_that_it_contains)
{
    struct acl_user *u = add("a", "+config|-config,set");
    cr_expect(may(u, CONFIG) && may(u, CONFIG_GET) && !may(u, CONFIG_SET) && !may(u, GET));
    u = add("b", "+@all|-config");
    EXPECT(!may(u, CONFIG) && !may(u, CONFIG_GET) && may(u, GET));
    u = add("c", "+@admin"); // "client" is one of them, so its subcommands are
    cr_expect(may(u, CLIENT) && may(u, CLIENT_ID) && may(u, CONFIG_GET) && !may(u, CONFIG));
    u = add("d", "+@all|-@read");
    EXPECT(!may(u, GET) && may(u, SET));
}

Test(acl_user, allows_a_command_by_its_first_argument)
{
    struct acl_user *u = add("a", "+select,0|+select,Two");
    const struct acl_selector *s = &u->first;
    cr_expect(acl_selector_allows_command(s, SELECT, bytes_text("0")));
    cr_expect(acl_selector_allows_command(s, SELECT, bytes_text("TWO")));
    EXPECT(!acl_selector_allows_command(s, SELECT, bytes_text("1")));
    EXPECT(!acl_selector_allows_command(s, SELECT, bytes_text("")));
    EXPECT(!acl_selector_allows_command(s, SELECT, bytes_make(NULL, 0)));
    EXPECT(!acl_selector_allows_command(s, GET, bytes_text("0")));
}

Test(acl_user, allows_keys_by_pattern_and_access)
{
    const struct acl_selector *s = &add("a", "%R~r:*|%W~w:*|~b:?")->first;
    static const struct {
        const char *key;
        uint32_t access;
        bool allowed;
    } rows[] = {
        { "r:1", ACL_MAY_READ, true },
        { "r:1", ACL_MAY_WRITE, false },
        { "r:1", ACL_MAY_ALL, false },
        { "r:1", 0, true },
        { "w:", ACL_MAY_WRITE, true },
        { "w:", ACL_MAY_READ, false },
        { "w:", 0, true },
        { "b:1", ACL_MAY_ALL, true },
        { "b:12", ACL_MAY_READ, false },
        { "B:1", ACL_MAY_READ, false },
        { "", 0, false },
        { "x", 0, false },
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(acl_selector_allows_key(s, bytes_text(rows[i].key), rows[i].access) ==
                      rows[i].allowed,
                  "%s %u", rows[i].key, rows[i].access);
    EXPECT(!acl_selector_allows_all_keys(s, ACL_MAY_READ));
    s = &add("c", "%R~*")->first;
    cr_expect(acl_selector_allows_all_keys(s, ACL_MAY_READ));
    EXPECT(!acl_selector_allows_all_keys(s, ACL_MAY_ALL));
}

Test(acl_user, grants_patterns_of_channels_in_the_same_letters_only)
{
    const struct acl_selector *s = &add("a", "&news:*|&x")->first;
    cr_expect(acl_selector_allows_channel(s, bytes_text("news:1"), false));
    cr_expect(acl_selector_allows_channel(s, bytes_text("news:*"), true));
    EXPECT(!acl_selector_allows_channel(s, bytes_text("news:1"), true));
    EXPECT(!acl_selector_allows_channel(s, bytes_text("news:1*"), true));
    cr_expect(acl_selector_allows_channel(s, bytes_text("x"), true));
    EXPECT(!acl_selector_allows_channel(s, bytes_text("y"), false));
}

Test(acl_user, is_unrestricted_when_one_selector_allows_all)
{
    cr_expect(users.default_user->is_unrestricted);
    cr_expect(add("a", "~*|&*|+@all")->is_unrestricted);
    EXPECT(!add("b", "~*|&*|+@all|-get|+get")->is_unrestricted); // of commands to come, too
    EXPECT(!add("c", "~*|+@all")->is_unrestricted);
    cr_expect(add("d", "(~* &* +@all)")->is_unrestricted);
    EXPECT(!add("e", "~*|&*|(+@all)")->is_unrestricted);
    EXPECT(!add("f", "~*|&*|+@all|reset")->is_unrestricted);
}

Test(acl_user, lets_in_by_any_of_its_passwords)
{
    struct acl_user *u = add("a", "on|>one|>two|>");
    cr_expect(acl_user_lets_in(u, bytes_text("one")) && acl_user_lets_in(u, bytes_text("two")));
    cr_expect(acl_user_lets_in(u, bytes_text("")));
    EXPECT(!acl_user_lets_in(u, bytes_text("on")) && !acl_user_lets_in(u, bytes_text("onee")));
    EXPECT(!acl_user_lets_in(NULL, bytes_text("one")) && !acl_user_lets_in(NULL, bytes_text("")));
    EXPECT(!acl_user_lets_in(add("b", ">one"), bytes_text("one")), "off");
    EXPECT(!acl_user_lets_in(add("c", "nopass"), bytes_text("one")), "off");
    cr_expect(acl_user_lets_in(add("d", "on|nopass"), bytes_text("any")));
    EXPECT(!acl_user_lets_in(add("e", "on"), bytes_text("")), "no password is none that fits");
}

Test(acl_user, takes_no_password_beyond_its_limit)
{
    enum { SIZE = 64 * 1024 + 2 };
    char *long_one = malloc(SIZE);
    memset(long_one, 'x', SIZE);
    long_one[0] = '>';
    struct acl_fault fault;
    struct acl_user *u = add("a", "on");
    struct bytes rule = bytes_make(long_one, SIZE), fits = bytes_make(long_one, SIZE - 1);
    cr_expect(eq(int, acl_user_apply(u, &rule, 1, &fault), ACL_SYNTAX));
    cr_expect(eq(int, acl_user_apply(u, &fits, 1, &fault), ACL_DONE));
    cr_expect(acl_user_lets_in(u, bytes_make(long_one + 1, SIZE - 2)));
    EXPECT(!acl_user_lets_in(u, bytes_make(long_one + 1, SIZE - 1)));
    free(long_one);
}

Test(acl_user, shows_the_rule_that_is_wrong_up_to_a_nul_and_a_limit)
{
    char long_one[2000];
    struct acl_fault fault;
    struct acl_user *u = add("a", "on");
    struct bytes rule = bytes_make("fo\0o", 4);
    cr_expect(eq(int, acl_user_apply(u, &rule, 1, &fault), ACL_SYNTAX));
    cr_expect(eq(u32, fault.size, 2));
    memset(long_one, 'x', sizeof long_one);
    rule = bytes_make(long_one, sizeof long_one);
    cr_expect(eq(int, acl_user_apply(u, &rule, 1, &fault), ACL_SYNTAX));
    cr_expect(eq(u32, fault.size, ACL_FAULT_TEXT_MAX));
    rule = bytes_make("~a\0b", 4); // a pattern with a NUL could not be shown
    cr_expect(eq(int, acl_user_apply(u, &rule, 1, &fault), ACL_SYNTAX));
}
