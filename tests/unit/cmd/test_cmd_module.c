#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_module, .init = open_harness, .fini = close_harness);

#define CLOSED                                                                                     \
    "-ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", "   \
    "you can run it from a local connection, otherwise you need to set this option in the "        \
    "configuration file, and then restart the server.\r\n"

Test(cmd_module, shows_that_there_are_none)
{
    EXPECT_REPLY(h, "module list", "*0\r\n");
    EXPECT_REPLY(h, "module foo", "-ERR unknown subcommand 'foo'. Try MODULE HELP.\r\n");
    EXPECT_REPLY(h, "module", "-ERR wrong number of arguments for 'module' command\r\n");
}

Test(cmd_module, is_open_as_far_as_the_operator_said)
{
    h->settings.enable_debug_command = LOCAL_YES; // another door
    EXPECT_REPLY(h, "module load /x.so", CLOSED);
    EXPECT_REPLY(h, "module loadex /x.so", CLOSED);
    EXPECT_REPLY(h, "module unload x", CLOSED);
    h->settings.enable_module_command = LOCAL_ONLY; // the harness comes by a Unix socket
    EXPECT_REPLY(h, "module load /x.so",
                 "-ERR Error loading the extension: Penstock does not support modules\r\n");
    EXPECT_REPLY(h, "module unload x",
                 "-ERR Error unloading module: no such module with that name\r\n");
    h->settings.enable_debug_command = LOCAL_NO;
    cr_expect(ne(ptr, strstr(harness_run(h, "debug log x"), "DEBUG command not allowed"), NULL));
}
