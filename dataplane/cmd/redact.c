#include "dataplane/cmd/redact.h"
#include "dataplane/cmd/cmd.h"

static bool is_named(const struct command *c, const char *full_name)
{
    return strcmp(c->full_name, full_name) == 0;
}

// HELLO version AUTH user password SETNAME name ..., read as the command reads it. Behind a word
// that is none of these anything may be a password.
static bool is_secret_of_hello(const struct bytes *argv, uint32_t index)
{
    for (uint32_t i = 2; i < index; i++) {
        if (bytes_is_option(argv[i], "setname")) {
            i++;
        } else if (bytes_is_option(argv[i], "auth")) {
            if (index <= i + 2) return true;
            i += 2;
        } else {
            return true;
        }
    }
    return false;
}

// MIGRATE ... AUTH password, or AUTH2 user password
static bool is_secret_of_migrate(const struct bytes *argv, uint32_t index)
{
    if (index < 7) return false;
    return bytes_is_option(argv[index - 1], "auth") || bytes_is_option(argv[index - 1], "auth2") ||
           (index > 7 && bytes_is_option(argv[index - 2], "auth2"));
}

static bool is_secret_setting(const struct bytes *argv, uint32_t index)
{
    if (index < 3 || index % 2 == 0) return false;
    const struct setting_row *row = setting_find(argv[index - 1]);
    return row && row->flags & SETTING_SECRET;
}

static bool is_secret(const struct command *c, const struct bytes *argv, uint32_t argc,
                      uint32_t index);

// ACL DRYRUN user command argument ...: as if the command had been called. One that is unknown here
// may have another name now.
static bool is_secret_of_dryrun(const struct bytes *argv, uint32_t argc, uint32_t index)
{
    if (index < 4) return false;
    const struct command *c = command_find(argv[3]);
    if (c && c->subcommand_count) c = argc > 4 ? command_find_sub(c, argv[4]) : NULL;
    return !c || is_secret(c, argv + 3, argc - 3, index - 3);
}

static bool is_secret(const struct command *c, const struct bytes *argv, uint32_t argc,
                      uint32_t index)
{
    if (is_named(c, "auth")) return index > 0;
    if (is_named(c, "hello")) return is_secret_of_hello(argv, index);
    if (is_named(c, "acl|setuser") || is_named(c, "acl|deluser") || is_named(c, "acl|getuser"))
        return index > 1;
    if (is_named(c, "acl|dryrun")) return is_secret_of_dryrun(argv, argc, index);
    if (is_named(c, "config|set")) return is_secret_setting(argv, index);
    if (is_named(c, "migrate")) return is_secret_of_migrate(argv, index);
    return false;
}

struct bytes redact_argument(const struct command *command, const struct bytes *argv, uint32_t argc,
                             uint32_t index)
{
    if (!command || !is_secret(command, argv, argc, index)) return argv[index];
    return BYTES_LITERAL("(redacted)");
}
