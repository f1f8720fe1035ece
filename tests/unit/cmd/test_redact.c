#include "dataplane/cmd/redact.h"
#include "tests/unit/cmd/harness.h"

// A word of the request each; '-' below one that others may not see.
static const struct {
    const char *request, *hidden;
} rows[] = {
    { "auth secret", ". -" },
    { "AUTH user secret", ". - -" },
    { "hello 3 auth u s setname n", ". . . - - . ." },
    { "hello 3 setname auth auth u s", ". . . . . - -" },
    { "hello auth u s", ". . . -" },
    { "hello 3 foo auth u s", ". . . - - -" },
    { "hello", "." },
    { "acl setuser u on >p", ". . - - -" },
    { "acl deluser u v", ". . - -" },
    { "acl getuser u", ". . -" },
    { "acl list", ". ." },
    { "acl dryrun u auth v s", ". . . . - -" },
    { "acl dryrun u hello 2 AUTH v s", ". . . . . . - -" },
    { "acl dryrun u config set requirepass s", ". . . . . . -" },
    { "acl dryrun u get k", ". . . . ." },
    { "acl dryrun u otherauth v s", ". . . . - -" },
    { "acl dryrun u acl dryrun v auth s", ". . . . . . . -" },
    { "config set maxmemory 1 requirepass s masterauth t", ". . . . . - . -" },
    { "config set requirepass", ". . ." },
    { "config get requirepass", ". . ." },
    { "set auth secret", ". . ." },
};

static const struct command *find(const struct bytes *argv, uint32_t argc)
{
    const struct command *row = command_find(argv[0]);
    return row && row->subcommand_count && argc > 1 ? command_find_sub(row, argv[1]) : row;
}

Test(redact, hides_what_may_be_a_password)
{
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char request[128], hidden[64];
        struct bytes argv[16];
        uint32_t argc = 0;
        size_t size = 0;
        snprintf(request, sizeof request, "%s", rows[i].request);
        for (char *rest = request, *word; (word = strsep(&rest, " "));)
            argv[argc++] = bytes_text(word);
        for (uint32_t j = 0; j < argc; j++) {
            struct bytes shown = redact_argument(find(argv, argc), argv, argc, j);
            bool is_hidden = bytes_equal(shown, BYTES_LITERAL("(redacted)"));
            cr_expect(is_hidden || shown.data == argv[j].data);
            size += (size_t)snprintf(hidden + size, sizeof hidden - size, "%s%s", j ? " " : "",
                                     is_hidden ? "-" : ".");
        }
        cr_expect(eq(str, hidden, (char *)rows[i].hidden), "%s", rows[i].request);
    }
}

Test(redact, shows_commands_that_nobody_knows_as_they_are)
{
    struct bytes argv[] = { bytes_text("nosuch"), bytes_text("x") };
    cr_expect(bytes_equal(redact_argument(NULL, argv, 2, 1), argv[1]));
}
