#include "dataplane/acl/acl_file.h"
#include "tests/unit/acl/catalog.h"

static struct acl_errors errors;
TestSuite(acl_file, .init = open_users, .fini = close_users);

#define END                                                                                        \
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
#define START "F:%d should start with user keyword followed by the username. "

static char *read_file(const char *text)
{
    struct acl_users fresh;
    acl_users_open(&fresh, &heap, &catalog, false);
    bool is_fine = acl_file_read(&fresh, bytes_text(text), "F", &errors);
    snprintf(shown, sizeof shown, "%s", is_fine ? "" : errors.text);
    if (is_fine) acl_users_swap(&users, &fresh);
    acl_users_close(&fresh);
    return shown;
}

static char *line_of(const char *name)
{
    struct acl_out out = { .at = shown, .capacity = sizeof shown - 1 };
    const struct acl_user *u = acl_users_find(&users, bytes_text(name));
    if (u) acl_users_put_line(u, &out);
    shown[out.size] = 0;
    return shown;
}

// Compared with redis-server 7.0.15, whose file is F here.
Test(acl_file, tells_what_is_wrong_with_which_line)
{
    static const struct {
        const char *text, *errors;
    } rows[] = {
        { "", "" },
        { "\n \t\r\n", "" },
        { "user a on\nuser b off", "" },
        { "# comment\n", "F:1 should start with user keyword followed by the username. " END },
        { "user\n", "F:1 should start with user keyword followed by the username. " END },
        { "\n\nusr a\n", "F:3 should start with user keyword followed by the username. " END },
        { "user a on\n\nuser a off\n", "WARNING: Duplicate user 'a' found on line 3. " END },
        { "user default off\nuser default on\n",
          "WARNING: Duplicate user 'default' found on line 2. " END },
        { "user a b\n", "F:1: Syntax error. " END },
        { "user a foo bar\n", "F:1: Syntax error. " END },
        { "user a foo +nosuch\n",
          "F:1: Syntax error. F:1: Error in applying operation '+nosuch': Unknown command or "
          "category name in ACL. " END },
        { "user a (~x +nosuch) +zz\n",
          "F:1: Error in applying operation '(~x +nosuch)': Unknown command or category name in "
          "ACL. F:1: Error in applying operation '+zz': Unknown command or category name in "
          "ACL. " END },
        { "user a (~x\n", "F:1: Unmatched parenthesis in selector definition." END },
        { "user a >x <y\n",
          "F:1: The password you are trying to remove from the user does not exist. " END },
        { "user a\tb on\n", "'F:1: username 'a\tb' contains invalid characters. " END },
        { "  user  a  on\n", "F:1: Syntax error. " END }, // of a user without a name
        { "user a \"+get\"\n", "F:1: Syntax error. " END },
        { "user a %R~\nuser b zzz\nuser c on\n", "F:2: Syntax error. " END },
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(str, read_file(rows[i].text), (char *)rows[i].errors), "%s", rows[i].text);
}

Test(acl_file, takes_all_users_or_none)
{
    cr_expect(
        eq(str, read_file("user a on ~x +get (~y +set)\n user default on >p \r\n"), (char *)""));
    cr_expect(eq(str, line_of("a"),
                 (char *)"user a on sanitize-payload ~x resetchannels -@all +get (~y resetchannels "
                         "-@all +set)\n"));
    cr_expect(strncmp(line_of("default"), "user default on sanitize-payload #", 34) == 0);
    cr_expect(strstr(line_of("default"), " resetchannels -@all\n") != NULL, "begun anew");
    read_file("user b on\nuser c foo\n");
    cr_expect(eq(str, line_of("b"), (char *)""));
    cr_expect(ne(str, line_of("a"), (char *)""));
    cr_expect(eq(str, read_file("user b on ~x\"y\n"), (char *)""));
    cr_expect(eq(str, line_of("a"), (char *)""));
    cr_expect(eq(str, line_of("default"),
                 (char *)"user default on nopass sanitize-payload ~* &* +@all\n"));
    cr_expect(
        eq(str, line_of("b"), (char *)"user b on sanitize-payload ~x\"y resetchannels -@all\n"));
}

Test(acl_file, cuts_errors_without_end)
{
    char *text = malloc(100000);
    for (uint32_t i = 0; i < 10000; i++) memcpy(text + 10 * i, "nonsense \n", 10);
    struct acl_users fresh;
    acl_users_open(&fresh, &heap, &catalog, false);
    EXPECT(!acl_file_read(&fresh, bytes_make(text, 100000), "F", &errors));
    cr_expect(eq(u32, errors.size, ACL_ERRORS_BYTES - 1));
    acl_users_close(&fresh);
    free(text);
}

static char *read_lines(const char *a, const char *b)
{
    struct bytes lines[] = { bytes_text(a), bytes_text(b ? b : "") };
    bool is_fine = acl_lines_read(&users, lines, b ? 2 : 1, &errors);
    snprintf(shown, sizeof shown, "%s", is_fine ? "" : errors.text);
    return shown;
}

Test(acl_file, reads_lines_of_a_configuration_with_quotes)
{
    cr_expect(eq(str, read_lines("alice on \">a b\" ~x +get", "\"bob\""), (char *)""));
    struct acl_user *u = acl_users_find(&users, bytes_text("alice"));
    cr_assert(u != NULL);
    cr_expect(acl_user_lets_in(u, bytes_text("a b")));
    cr_expect(acl_users_find(&users, bytes_text("bob")) != NULL);
    cr_expect(eq(str, read_lines("default on nopass ~* +@all", NULL), (char *)""));
    cr_expect(eq(str, line_of("default"),
                 (char *)"user default on nopass sanitize-payload ~* resetchannels +@all\n"));
}

Test(acl_file, ends_at_the_first_line_that_is_wrong_and_shows_no_password)
{
    cr_expect(eq(str, read_lines("a on", "a off"),
                 (char *)"Error in user declaration 'a': Duplicate user found. A user can only be "
                         "defined once in config files"));
    cr_expect(eq(str, read_lines("default on", "default off"),
                 (char *)"Error in user declaration 'default': Duplicate user found. A user can "
                         "only be defined once in config files"));
    cr_expect(eq(str, read_lines("b +nosuch", NULL),
                 (char *)"Error parsing ACL rule '+nosuch' for the user named 'b': Unknown command "
                         "or category name in ACL"));
    cr_expect(eq(str, read_lines("c on <secret", NULL),
                 (char *)"Error parsing ACL rule '(redacted)' for the user named 'c': The password "
                         "you are trying to remove from the user does not exist"));
    cr_expect(
        eq(str, read_lines("\"d e\" on", NULL), (char *)"Spaces not allowed in ACL usernames"));
    cr_expect(
        eq(str, read_lines("f \"on", NULL), (char *)"Unbalanced quotes in configuration line"));
    cr_expect(strncmp(read_lines("g (~a", NULL), "Error parsing ACL rule '(~a'", 28) == 0);
}
