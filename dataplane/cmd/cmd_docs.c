// Made by tools/command_docs.py from the rows of dataplane/cmd and the facts in commands.tsv; not edited
// by hand.
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"

// clang-format off
static const struct command_argument doc_acl_cat_args[] = {
    { "category", "string", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_acl_deluser_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_acl_deluser_args[] = {
    { "username", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_acl_dryrun_args[] = {
    { "username", "string", NULL, -1, 0, 0, NULL },
    { "command", "string", NULL, -1, 0, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_acl_genpass_args[] = {
    { "bits", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_acl_getuser_args[] = {
    { "username", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_acl_log_args_0[] = {
    { "count", "integer", NULL, -1, 0, 0, NULL },
    { "reset", "pure-token", "RESET", -1, 0, 0, NULL },
};

static const struct command_argument doc_acl_log_args[] = {
    { "count-reset", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_acl_log_args_0 },
};

static const char *const doc_acl_save_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const char *const doc_acl_setuser_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_acl_setuser_args[] = {
    { "username", "string", NULL, -1, 0, 0, NULL },
    { "rule", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_waitaof_tips[] = { "request_policy:all_shards", "response_policy:agg_min" };

static const struct command_argument doc_waitaof_args[] = {
    { "numlocal", "integer", NULL, -1, 0, 0, NULL },
    { "numreplicas", "integer", NULL, -1, 0, 0, NULL },
    { "timeout", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_bitfield_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE | KEY_ACCESS | KEY_VARIABLE_FLAGS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_bitfield_args_1_0[] = {
    { "encoding", "string", NULL, -1, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_bitfield_args_1_1_0[] = {
    { "wrap", "pure-token", "WRAP", -1, 0, 0, NULL },
    { "sat", "pure-token", "SAT", -1, 0, 0, NULL },
    { "fail", "pure-token", "FAIL", -1, 0, 0, NULL },
};

static const struct command_argument doc_bitfield_args_1_1_1_0[] = {
    { "encoding", "string", NULL, -1, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "value", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_bitfield_args_1_1_1_1[] = {
    { "encoding", "string", NULL, -1, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "increment", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_bitfield_args_1_1_1[] = {
    { "set", "block", "SET", -1, 0, 3, doc_bitfield_args_1_1_1_0 },
    { "incrby", "block", "INCRBY", -1, 0, 3, doc_bitfield_args_1_1_1_1 },
};

static const struct command_argument doc_bitfield_args_1_1[] = {
    { "wrap-sat-fail", "oneof", "OVERFLOW", -1, ARGUMENT_OPTIONAL, 3, doc_bitfield_args_1_1_0 },
    { "set-incrby", "oneof", NULL, -1, 0, 2, doc_bitfield_args_1_1_1 },
};

static const struct command_argument doc_bitfield_args_1[] = {
    { "get", "block", "GET", -1, 0, 2, doc_bitfield_args_1_0 },
    { "overflow", "block", NULL, -1, 0, 2, doc_bitfield_args_1_1 },
};

static const struct command_argument doc_bitfield_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "get-overflow", "oneof", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 2, doc_bitfield_args_1 },
};

static const struct command_key_spec doc_bitfield_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_bitfield_ro_args_1[] = {
    { "encoding", "string", NULL, -1, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_bitfield_ro_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "get", "block", "GET", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 2, doc_bitfield_ro_args_1 },
};

static const struct command_key_spec doc_bitcount_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_bitcount_args_1_1_1[] = {
    { "byte", "pure-token", "BYTE", -1, 0, 0, NULL },
    { "bit", "pure-token", "BIT", -1, 0, 0, NULL },
};

static const struct command_argument doc_bitcount_args_1_1[] = {
    { "end", "integer", NULL, -1, 0, 0, NULL },
    { "byte-bit", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitcount_args_1_1_1 },
};

static const struct command_argument doc_bitcount_args_1[] = {
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitcount_args_1_1 },
};

static const struct command_argument doc_bitcount_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitcount_args_1 },
};

static const struct command_key_spec doc_bitpos_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_bitpos_args_2_1_1[] = {
    { "byte", "pure-token", "BYTE", -1, 0, 0, NULL },
    { "bit", "pure-token", "BIT", -1, 0, 0, NULL },
};

static const struct command_argument doc_bitpos_args_2_1[] = {
    { "end", "integer", NULL, -1, 0, 0, NULL },
    { "byte-bit", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitpos_args_2_1_1 },
};

static const struct command_argument doc_bitpos_args_2[] = {
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitpos_args_2_1 },
};

static const struct command_argument doc_bitpos_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "bit", "integer", NULL, -1, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_bitpos_args_2 },
};

static const struct command_key_spec doc_getbit_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_getbit_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_setbit_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_setbit_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "value", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_bitop_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 3, { -1, 1, 0 } },
};

static const struct command_argument doc_bitop_args_0[] = {
    { "and", "pure-token", "AND", -1, 0, 0, NULL },
    { "or", "pure-token", "OR", -1, 0, 0, NULL },
    { "xor", "pure-token", "XOR", -1, 0, 0, NULL },
    { "not", "pure-token", "NOT", -1, 0, 0, NULL },
};

static const struct command_argument doc_bitop_args[] = {
    { "and-or-xor-not", "oneof", NULL, -1, 0, 4, doc_bitop_args_0 },
    { "destkey", "key", NULL, 0, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_client_caching_args_0[] = {
    { "yes", "pure-token", "YES", -1, 0, 0, NULL },
    { "no", "pure-token", "NO", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_caching_args[] = {
    { "skipme", "oneof", NULL, -1, 0, 2, doc_client_caching_args_0 },
};

static const struct command_argument doc_client_tracking_args_0[] = {
    { "on", "pure-token", "ON", -1, 0, 0, NULL },
    { "off", "pure-token", "OFF", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_tracking_args[] = {
    { "enabled", "oneof", NULL, -1, 0, 2, doc_client_tracking_args_0 },
    { "client-id", "integer", "REDIRECT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "prefix", "string", "PREFIX", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "bcast", "pure-token", "BCAST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "optin", "pure-token", "OPTIN", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "optout", "pure-token", "OPTOUT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "noloop", "pure-token", "NOLOOP", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_client_info_tips[] = { "nondeterministic_output" };

static const struct command_argument doc_client_kill_args_0_1_1[] = {
    { "normal", "pure-token", "normal", -1, 0, 0, NULL },
    { "master", "pure-token", "master", -1, 0, 0, NULL },
    { "slave", "pure-token", "slave", -1, 0, 0, NULL },
    { "replica", "pure-token", "replica", -1, 0, 0, NULL },
    { "pubsub", "pure-token", "pubsub", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_kill_args_0_1_5[] = {
    { "yes", "pure-token", "YES", -1, 0, 0, NULL },
    { "no", "pure-token", "NO", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_kill_args_0_1[] = {
    { "client-id", "integer", "ID", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "client-type", "oneof", "TYPE", -1, ARGUMENT_OPTIONAL, 5, doc_client_kill_args_0_1_1 },
    { "username", "string", "USER", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "addr", "string", "ADDR", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "laddr", "string", "LADDR", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "skipme", "oneof", "SKIPME", -1, ARGUMENT_OPTIONAL, 2, doc_client_kill_args_0_1_5 },
    { "maxage", "integer", "MAXAGE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_client_kill_args_0[] = {
    { "old-format", "string", NULL, -1, 0, 0, NULL },
    { "new-format", "oneof", NULL, -1, ARGUMENT_MULTIPLE, 7, doc_client_kill_args_0_1 },
};

static const struct command_argument doc_client_kill_args[] = {
    { "filter", "oneof", NULL, -1, 0, 2, doc_client_kill_args_0 },
};

static const char *const doc_client_list_tips[] = { "nondeterministic_output" };

static const struct command_argument doc_client_list_args_0[] = {
    { "normal", "pure-token", "normal", -1, 0, 0, NULL },
    { "master", "pure-token", "master", -1, 0, 0, NULL },
    { "replica", "pure-token", "replica", -1, 0, 0, NULL },
    { "pubsub", "pure-token", "pubsub", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_list_args[] = {
    { "client-type", "oneof", "TYPE", -1, ARGUMENT_OPTIONAL, 4, doc_client_list_args_0 },
    { "client-id", "integer", "ID", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
};

static const struct command_argument doc_client_no_evict_args_0[] = {
    { "on", "pure-token", "ON", -1, 0, 0, NULL },
    { "off", "pure-token", "OFF", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_no_evict_args[] = {
    { "enabled", "oneof", NULL, -1, 0, 2, doc_client_no_evict_args_0 },
};

static const struct command_argument doc_client_no_touch_args_0[] = {
    { "on", "pure-token", "ON", -1, 0, 0, NULL },
    { "off", "pure-token", "OFF", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_no_touch_args[] = {
    { "enabled", "oneof", NULL, -1, 0, 2, doc_client_no_touch_args_0 },
};

static const struct command_argument doc_client_pause_args_1[] = {
    { "write", "pure-token", "WRITE", -1, 0, 0, NULL },
    { "all", "pure-token", "ALL", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_pause_args[] = {
    { "timeout", "integer", NULL, -1, 0, 0, NULL },
    { "write-all", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_client_pause_args_1 },
};

static const struct command_argument doc_client_reply_args_0[] = {
    { "on", "pure-token", "ON", -1, 0, 0, NULL },
    { "off", "pure-token", "OFF", -1, 0, 0, NULL },
    { "skip", "pure-token", "SKIP", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_reply_args[] = {
    { "action", "oneof", NULL, -1, 0, 3, doc_client_reply_args_0 },
};

static const char *const doc_client_setinfo_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_client_setinfo_args_0[] = {
    { "libname", "string", "lib-name", -1, 0, 0, NULL },
    { "libver", "string", "lib-ver", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_setinfo_args[] = {
    { "attr", "oneof", NULL, -1, 0, 2, doc_client_setinfo_args_0 },
};

static const char *const doc_client_setname_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_client_setname_args[] = {
    { "connection-name", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_client_unblock_args_1[] = {
    { "timeout", "pure-token", "TIMEOUT", -1, 0, 0, NULL },
    { "error", "pure-token", "ERROR", -1, 0, 0, NULL },
};

static const struct command_argument doc_client_unblock_args[] = {
    { "client-id", "integer", NULL, -1, 0, 0, NULL },
    { "timeout-error", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_client_unblock_args_1 },
};

static const char *const doc_command_docs_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_command_docs_args[] = {
    { "command-name", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_command_getkeys_args[] = {
    { "command", "string", NULL, -1, 0, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_command_getkeysandflags_args[] = {
    { "command", "string", NULL, -1, 0, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_command_info_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_command_info_args[] = {
    { "command-name", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_command_list_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_command_list_args_0[] = {
    { "module-name", "string", "MODULE", -1, 0, 0, NULL },
    { "category", "string", "ACLCAT", -1, 0, 0, NULL },
    { "pattern", "pattern", "PATTERN", -1, 0, 0, NULL },
};

static const struct command_argument doc_command_list_args[] = {
    { "filterby", "oneof", "FILTERBY", -1, ARGUMENT_OPTIONAL, 3, doc_command_list_args_0 },
};

static const char *const doc_command_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_config_get_args[] = {
    { "parameter", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_config_resetstat_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const char *const doc_config_rewrite_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const char *const doc_config_set_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_config_set_args_0[] = {
    { "parameter", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_config_set_args[] = {
    { "parameter-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_config_set_args_0 },
};

static const char *const doc_ping_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_ping_args[] = {
    { "message", "string", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_echo_args[] = {
    { "message", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_select_args[] = {
    { "index", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_auth_args[] = {
    { "username", "string", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "password", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_hello_args_0_1[] = {
    { "username", "string", NULL, -1, 0, 0, NULL },
    { "password", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_hello_args_0[] = {
    { "protover", "integer", NULL, -1, 0, 0, NULL },
    { "auth", "block", "AUTH", -1, ARGUMENT_OPTIONAL, 2, doc_hello_args_0_1 },
    { "clientname", "string", "SETNAME", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_hello_args[] = {
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 3, doc_hello_args_0 },
};

static const char *const doc_dump_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_dump_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_dump_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_expire_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_expire_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_expire_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "seconds", "integer", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_expire_args_2 },
};

static const struct command_key_spec doc_expireat_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_expireat_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_expireat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "unix-time-seconds", "unix-time", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_expireat_args_2 },
};

static const struct command_key_spec doc_expiretime_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_expiretime_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_persist_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_persist_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_pexpire_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_pexpire_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_pexpire_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "milliseconds", "integer", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_pexpire_args_2 },
};

static const struct command_key_spec doc_pexpireat_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_pexpireat_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_pexpireat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "unix-time-milliseconds", "unix-time", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_pexpireat_args_2 },
};

static const struct command_key_spec doc_pexpiretime_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_pexpiretime_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_pttl_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_pttl_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_pttl_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_ttl_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_ttl_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_ttl_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_function_delete_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_function_delete_args[] = {
    { "library-name", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_function_flush_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_function_flush_args_0[] = {
    { "async", "pure-token", "ASYNC", -1, 0, 0, NULL },
    { "sync", "pure-token", "SYNC", -1, 0, 0, NULL },
};

static const struct command_argument doc_function_flush_args[] = {
    { "flush-type", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_function_flush_args_0 },
};

static const char *const doc_function_kill_tips[] = { "request_policy:all_shards", "response_policy:one_succeeded" };

static const char *const doc_function_list_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_function_list_args[] = {
    { "library-name-pattern", "string", "LIBRARYNAME", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withcode", "pure-token", "WITHCODE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_function_load_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_function_load_args[] = {
    { "replace", "pure-token", "REPLACE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "function-code", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_function_restore_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_function_restore_args_1[] = {
    { "flush", "pure-token", "FLUSH", -1, 0, 0, NULL },
    { "append", "pure-token", "APPEND", -1, 0, 0, NULL },
    { "replace", "pure-token", "REPLACE", -1, 0, 0, NULL },
};

static const struct command_argument doc_function_restore_args[] = {
    { "serialized-value", "string", NULL, -1, 0, 0, NULL },
    { "flush-append-replace", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 3, doc_function_restore_args_1 },
};

static const char *const doc_function_stats_tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:special" };

static const struct command_key_spec doc_fcall_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_fcall_args[] = {
    { "function", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_fcall_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_fcall_ro_args[] = {
    { "function", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_geoadd_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_geoadd_args_1[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
};

static const struct command_argument doc_geoadd_args_3[] = {
    { "longitude", "double", NULL, -1, 0, 0, NULL },
    { "latitude", "double", NULL, -1, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_geoadd_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_geoadd_args_1 },
    { "ch", "pure-token", "CH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "longitude-latitude-member", "block", NULL, -1, ARGUMENT_MULTIPLE, 3, doc_geoadd_args_3 },
};

static const struct command_key_spec doc_geodist_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_geodist_args_3[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_geodist_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member1", "string", NULL, -1, 0, 0, NULL },
    { "member2", "string", NULL, -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_geodist_args_3 },
};

static const struct command_key_spec doc_geohash_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_geohash_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_geopos_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_geopos_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_georadius_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STORE", 6, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STOREDIST", 6, { 0, 1, 0 } },
};

static const struct command_argument doc_georadius_args_4[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadius_args_8[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_georadius_args_9[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadius_args_10[] = {
    { "storekey", "key", "STORE", 1, 0, 0, NULL },
    { "storedistkey", "key", "STOREDIST", 2, 0, 0, NULL },
};

static const struct command_argument doc_georadius_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "longitude", "double", NULL, -1, 0, 0, NULL },
    { "latitude", "double", NULL, -1, 0, 0, NULL },
    { "radius", "double", NULL, -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_georadius_args_4 },
    { "withcoord", "pure-token", "WITHCOORD", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withdist", "pure-token", "WITHDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withhash", "pure-token", "WITHHASH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadius_args_8 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadius_args_9 },
    { "store-storedist", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadius_args_10 },
};

static const struct command_key_spec doc_georadius_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_georadius_ro_args_4[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadius_ro_args_8[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_georadius_ro_args_9[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadius_ro_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "longitude", "double", NULL, -1, 0, 0, NULL },
    { "latitude", "double", NULL, -1, 0, 0, NULL },
    { "radius", "double", NULL, -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_georadius_ro_args_4 },
    { "withcoord", "pure-token", "WITHCOORD", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withdist", "pure-token", "WITHDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withhash", "pure-token", "WITHHASH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadius_ro_args_8 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadius_ro_args_9 },
};

static const struct command_key_spec doc_georadiusbymember_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STORE", 5, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STOREDIST", 5, { 0, 1, 0 } },
};

static const struct command_argument doc_georadiusbymember_args_3[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_args_7[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_args_8[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_args_9[] = {
    { "storekey", "key", "STORE", 1, 0, 0, NULL },
    { "storedistkey", "key", "STOREDIST", 2, 0, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
    { "radius", "double", NULL, -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_georadiusbymember_args_3 },
    { "withcoord", "pure-token", "WITHCOORD", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withdist", "pure-token", "WITHDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withhash", "pure-token", "WITHHASH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadiusbymember_args_7 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadiusbymember_args_8 },
    { "store-storedist", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadiusbymember_args_9 },
};

static const struct command_key_spec doc_georadiusbymember_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_georadiusbymember_ro_args_3[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_ro_args_7[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_ro_args_8[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_georadiusbymember_ro_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
    { "radius", "double", NULL, -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_georadiusbymember_ro_args_3 },
    { "withcoord", "pure-token", "WITHCOORD", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withdist", "pure-token", "WITHDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withhash", "pure-token", "WITHHASH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadiusbymember_ro_args_7 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_georadiusbymember_ro_args_8 },
};

static const struct command_key_spec doc_geosearch_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_geosearch_args_1_1[] = {
    { "longitude", "double", NULL, -1, 0, 0, NULL },
    { "latitude", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearch_args_1[] = {
    { "member", "string", "FROMMEMBER", -1, 0, 0, NULL },
    { "fromlonlat", "block", "FROMLONLAT", -1, 0, 2, doc_geosearch_args_1_1 },
};

static const struct command_argument doc_geosearch_args_2_0_1[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearch_args_2_0[] = {
    { "radius", "double", "BYRADIUS", -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_geosearch_args_2_0_1 },
};

static const struct command_argument doc_geosearch_args_2_1_0[] = {
    { "width", "double", NULL, -1, 0, 0, NULL },
    { "height", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearch_args_2_1_1[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearch_args_2_1[] = {
    { "bybox", "block", "BYBOX", -1, 0, 2, doc_geosearch_args_2_1_0 },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_geosearch_args_2_1_1 },
};

static const struct command_argument doc_geosearch_args_2[] = {
    { "byradius", "block", NULL, -1, 0, 2, doc_geosearch_args_2_0 },
    { "bybox", "block", NULL, -1, 0, 2, doc_geosearch_args_2_1 },
};

static const struct command_argument doc_geosearch_args_3[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearch_args_4[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_geosearch_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "frommember-fromlonlat", "oneof", NULL, -1, 0, 2, doc_geosearch_args_1 },
    { "byradius-bybox", "oneof", NULL, -1, 0, 2, doc_geosearch_args_2 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_geosearch_args_3 },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_geosearch_args_4 },
    { "withcoord", "pure-token", "WITHCOORD", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withdist", "pure-token", "WITHDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withhash", "pure-token", "WITHHASH", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_geosearchstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_geosearchstore_args_2_1[] = {
    { "longitude", "double", NULL, -1, 0, 0, NULL },
    { "latitude", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args_2[] = {
    { "member", "string", "FROMMEMBER", -1, 0, 0, NULL },
    { "fromlonlat", "block", "FROMLONLAT", -1, 0, 2, doc_geosearchstore_args_2_1 },
};

static const struct command_argument doc_geosearchstore_args_3_0_1[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args_3_0[] = {
    { "radius", "double", "BYRADIUS", -1, 0, 0, NULL },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_geosearchstore_args_3_0_1 },
};

static const struct command_argument doc_geosearchstore_args_3_1_0[] = {
    { "width", "double", NULL, -1, 0, 0, NULL },
    { "height", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args_3_1_1[] = {
    { "m", "pure-token", "m", -1, 0, 0, NULL },
    { "km", "pure-token", "km", -1, 0, 0, NULL },
    { "ft", "pure-token", "ft", -1, 0, 0, NULL },
    { "mi", "pure-token", "mi", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args_3_1[] = {
    { "bybox", "block", "BYBOX", -1, 0, 2, doc_geosearchstore_args_3_1_0 },
    { "m-km-ft-mi", "oneof", NULL, -1, 0, 4, doc_geosearchstore_args_3_1_1 },
};

static const struct command_argument doc_geosearchstore_args_3[] = {
    { "byradius", "block", NULL, -1, 0, 2, doc_geosearchstore_args_3_0 },
    { "bybox", "block", NULL, -1, 0, 2, doc_geosearchstore_args_3_1 },
};

static const struct command_argument doc_geosearchstore_args_4[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args_5[] = {
    { "count", "integer", "COUNT", -1, 0, 0, NULL },
    { "any", "pure-token", "ANY", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_geosearchstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "source", "key", NULL, 1, 0, 0, NULL },
    { "frommember-fromlonlat", "oneof", NULL, -1, 0, 2, doc_geosearchstore_args_2 },
    { "byradius-bybox", "oneof", NULL, -1, 0, 2, doc_geosearchstore_args_3 },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_geosearchstore_args_4 },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_geosearchstore_args_5 },
    { "storedist", "pure-token", "STOREDIST", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_hdel_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hdel_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hexists_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hexists_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_hget_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hget_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_hincrby_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hincrby_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "increment", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_hincrbyfloat_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hincrbyfloat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "increment", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_hlen_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hlen_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_hmget_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hmget_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hmset_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hmset_args_1[] = {
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_hmset_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_hmset_args_1 },
};

static const struct command_key_spec doc_hset_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hset_args_1[] = {
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_hset_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_hset_args_1 },
};

static const struct command_key_spec doc_hsetnx_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hsetnx_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_hstrlen_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hstrlen_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "field", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_hgetall_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_hgetall_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hgetall_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_hkeys_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_hkeys_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hkeys_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_hvals_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_hvals_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hvals_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_hexpire_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hexpire_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_hexpire_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "seconds", "integer", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_hexpire_args_2 },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hexpireat_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hexpireat_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_hexpireat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "unix-time-seconds", "unix-time", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_hexpireat_args_2 },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hexpiretime_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hexpiretime_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hpersist_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hpersist_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hpexpire_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hpexpire_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_hpexpire_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "milliseconds", "integer", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_hpexpire_args_2 },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hpexpireat_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hpexpireat_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_hpexpireat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "unix-time-milliseconds", "unix-time", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_hpexpireat_args_2 },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hpexpiretime_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hpexpiretime_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_hpttl_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hpttl_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_httl_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_httl_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "numfields", "integer", "FIELDS", -1, 0, 0, NULL },
    { "field", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_hrandfield_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_hrandfield_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hrandfield_args_1[] = {
    { "count", "integer", NULL, -1, 0, 0, NULL },
    { "withvalues", "pure-token", "WITHVALUES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_hrandfield_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_hrandfield_args_1 },
};

static const char *const doc_hscan_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_hscan_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_hscan_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "cursor", "integer", NULL, -1, 0, 0, NULL },
    { "pattern", "pattern", "MATCH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "novalues", "pure-token", "NOVALUES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_pfadd_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_pfadd_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_pfcount_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_pfcount_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_pfmerge_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { -1, 1, 0 } },
};

static const struct command_argument doc_pfmerge_args[] = {
    { "destkey", "key", NULL, 0, 0, 0, NULL },
    { "sourcekey", "key", NULL, 1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_pfdebug_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_pfdebug_args[] = {
    { "subcommand", "string", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_info_tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:special" };

static const struct command_argument doc_info_args[] = {
    { "section", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_copy_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_copy_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
    { "destination-db", "integer", "DB", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "replace", "pure-token", "REPLACE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_del_tips[] = { "request_policy:multi_shard", "response_policy:agg_sum" };

static const struct command_key_spec doc_del_keys[] = {
    { NULL, KEY_RM | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_del_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_exists_tips[] = { "request_policy:multi_shard", "response_policy:agg_sum" };

static const struct command_key_spec doc_exists_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_exists_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_move_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_move_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "db", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_rename_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_rename_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "newkey", "key", NULL, 1, 0, 0, NULL },
};

static const struct command_key_spec doc_renamenx_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_OW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_renamenx_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "newkey", "key", NULL, 1, 0, 0, NULL },
};

static const char *const doc_touch_tips[] = { "request_policy:multi_shard", "response_policy:agg_sum" };

static const struct command_key_spec doc_touch_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_touch_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_type_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_type_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_unlink_tips[] = { "request_policy:multi_shard", "response_policy:agg_sum" };

static const struct command_key_spec doc_unlink_keys[] = {
    { NULL, KEY_RM | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_unlink_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_latency_doctor_tips[] = { "nondeterministic_output", "request_policy:all_nodes", "response_policy:special" };

static const char *const doc_latency_graph_tips[] = { "nondeterministic_output", "request_policy:all_nodes", "response_policy:special" };

static const struct command_argument doc_latency_graph_args[] = {
    { "event", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_latency_histogram_tips[] = { "nondeterministic_output", "request_policy:all_nodes", "response_policy:special" };

static const struct command_argument doc_latency_histogram_args[] = {
    { "COMMAND", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_latency_history_tips[] = { "nondeterministic_output", "request_policy:all_nodes", "response_policy:special" };

static const struct command_argument doc_latency_history_args[] = {
    { "event", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_latency_latest_tips[] = { "nondeterministic_output", "request_policy:all_nodes", "response_policy:special" };

static const char *const doc_latency_reset_tips[] = { "request_policy:all_nodes", "response_policy:agg_sum" };

static const struct command_argument doc_latency_reset_args[] = {
    { "event", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_lcs_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 1, 1, 0 } },
};

static const struct command_argument doc_lcs_args[] = {
    { "key1", "key", NULL, 0, 0, 0, NULL },
    { "key2", "key", NULL, 0, 0, 0, NULL },
    { "len", "pure-token", "LEN", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "idx", "pure-token", "IDX", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "min-match-len", "integer", "MINMATCHLEN", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "withmatchlen", "pure-token", "WITHMATCHLEN", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_lindex_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lindex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "index", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_llen_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_llen_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_lpush_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lpush_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_lpushx_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lpushx_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_lset_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lset_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "index", "integer", NULL, -1, 0, 0, NULL },
    { "element", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_ltrim_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_ltrim_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "stop", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_rpush_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_rpush_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_rpushx_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_rpushx_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_blmove_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_blmove_args_2[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_blmove_args_3[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_blmove_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_blmove_args_2 },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_blmove_args_3 },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_blmpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_blmpop_args_3[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_blmpop_args[] = {
    { "timeout", "double", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_blmpop_args_3 },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_blpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -2, 1, 0 } },
};

static const struct command_argument doc_blpop_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_brpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -2, 1, 0 } },
};

static const struct command_argument doc_brpop_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_brpoplpush_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_brpoplpush_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_linsert_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_linsert_args_1[] = {
    { "before", "pure-token", "BEFORE", -1, 0, 0, NULL },
    { "after", "pure-token", "AFTER", -1, 0, 0, NULL },
};

static const struct command_argument doc_linsert_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "before-after", "oneof", NULL, -1, 0, 2, doc_linsert_args_1 },
    { "pivot", "string", NULL, -1, 0, 0, NULL },
    { "element", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_lrem_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lrem_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
    { "element", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_lmove_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_lmove_args_2[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_lmove_args_3[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_lmove_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_lmove_args_2 },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_lmove_args_3 },
};

static const struct command_key_spec doc_rpoplpush_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_rpoplpush_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
};

static const struct command_key_spec doc_lmpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_lmpop_args_2[] = {
    { "left", "pure-token", "LEFT", -1, 0, 0, NULL },
    { "right", "pure-token", "RIGHT", -1, 0, 0, NULL },
};

static const struct command_argument doc_lmpop_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "left-right", "oneof", NULL, -1, 0, 2, doc_lmpop_args_2 },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_lpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lpop_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_rpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_rpop_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_lrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "stop", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_lpos_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_lpos_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "element", "string", NULL, -1, 0, 0, NULL },
    { "rank", "integer", "RANK", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "num-matches", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "len", "integer", "MAXLEN", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_lolwut_args[] = {
    { "version", "integer", "VERSION", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_memory_doctor_tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:special" };

static const char *const doc_memory_malloc_stats_tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:special" };

static const char *const doc_memory_purge_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const char *const doc_memory_stats_tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:special" };

static const struct command_key_spec doc_memory_usage_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_memory_usage_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", "SAMPLES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_module_list_tips[] = { "nondeterministic_output_order" };

static const struct command_argument doc_module_load_args[] = {
    { "path", "string", NULL, -1, 0, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_module_loadex_args_1[] = {
    { "name", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_module_loadex_args[] = {
    { "path", "string", NULL, -1, 0, 0, NULL },
    { "config", "block", "CONFIG", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 2, doc_module_loadex_args_1 },
    { "args", "string", "ARGS", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
};

static const struct command_argument doc_module_unload_args[] = {
    { "name", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_decr_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_decr_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_decrby_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_decrby_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "decrement", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_incr_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_incr_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_incrby_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_incrby_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "increment", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_incrbyfloat_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_incrbyfloat_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "increment", "double", NULL, -1, 0, 0, NULL },
};

static const char *const doc_object_encoding_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_object_encoding_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_object_encoding_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_object_freq_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_object_freq_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_object_freq_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_object_idletime_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_object_idletime_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_object_idletime_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const char *const doc_object_refcount_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_object_refcount_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_object_refcount_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_argument doc_penstock_move_slots_args[] = {
    { "first", "integer", NULL, -1, 0, 0, NULL },
    { "last", "integer", NULL, -1, 0, 0, NULL },
    { "shard", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_pubsub_channels_args[] = {
    { "pattern", "pattern", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_pubsub_numsub_args[] = {
    { "channel", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_pubsub_shardchannels_args[] = {
    { "pattern", "pattern", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_pubsub_shardnumsub_args[] = {
    { "shardchannel", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_subscribe_args[] = {
    { "channel", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_unsubscribe_args[] = {
    { "channel", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_psubscribe_args[] = {
    { "pattern", "pattern", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_punsubscribe_args[] = {
    { "pattern", "pattern", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_ssubscribe_keys[] = {
    { NULL, KEY_NOT_KEY, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_ssubscribe_args[] = {
    { "shardchannel", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_sunsubscribe_keys[] = {
    { NULL, KEY_NOT_KEY, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_sunsubscribe_args[] = {
    { "shardchannel", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_argument doc_publish_args[] = {
    { "channel", "string", NULL, -1, 0, 0, NULL },
    { "message", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_spublish_keys[] = {
    { NULL, KEY_NOT_KEY, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_spublish_args[] = {
    { "shardchannel", "string", NULL, -1, 0, 0, NULL },
    { "message", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_restore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_restore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "ttl", "integer", NULL, -1, 0, 0, NULL },
    { "serialized-value", "string", NULL, -1, 0, 0, NULL },
    { "replace", "pure-token", "REPLACE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "absttl", "pure-token", "ABSTTL", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "seconds", "integer", "IDLETIME", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "frequency", "integer", "FREQ", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_restore_asking_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_restore_asking_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "ttl", "integer", NULL, -1, 0, 0, NULL },
    { "serialized-value", "string", NULL, -1, 0, 0, NULL },
    { "replace", "pure-token", "REPLACE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "absttl", "pure-token", "ABSTTL", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "seconds", "integer", "IDLETIME", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "frequency", "integer", "FREQ", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_bgsave_args[] = {
    { "schedule", "pure-token", "SCHEDULE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_lastsave_tips[] = { "nondeterministic_output" };

static const char *const doc_keys_tips[] = { "request_policy:all_shards", "nondeterministic_output_order" };

static const struct command_argument doc_keys_args[] = {
    { "pattern", "pattern", NULL, -1, 0, 0, NULL },
};

static const char *const doc_randomkey_tips[] = { "request_policy:all_shards", "response_policy:special", "nondeterministic_output" };

static const char *const doc_scan_tips[] = { "nondeterministic_output", "request_policy:special", "response_policy:special" };

static const struct command_argument doc_scan_args[] = {
    { "cursor", "integer", NULL, -1, 0, 0, NULL },
    { "pattern", "pattern", "MATCH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "type", "string", "TYPE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_script_debug_args_0[] = {
    { "yes", "pure-token", "YES", -1, 0, 0, NULL },
    { "sync", "pure-token", "SYNC", -1, 0, 0, NULL },
    { "no", "pure-token", "NO", -1, 0, 0, NULL },
};

static const struct command_argument doc_script_debug_args[] = {
    { "yes-sync-no", "oneof", NULL, -1, 0, 3, doc_script_debug_args_0 },
};

static const char *const doc_script_exists_tips[] = { "request_policy:all_shards", "response_policy:agg_logical_and" };

static const struct command_argument doc_script_exists_args[] = {
    { "sha1", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_script_flush_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_script_flush_args_0[] = {
    { "async", "pure-token", "ASYNC", -1, 0, 0, NULL },
    { "sync", "pure-token", "SYNC", -1, 0, 0, NULL },
};

static const struct command_argument doc_script_flush_args[] = {
    { "flush-type", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_script_flush_args_0 },
};

static const char *const doc_script_kill_tips[] = { "request_policy:all_shards", "response_policy:one_succeeded" };

static const char *const doc_script_load_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_argument doc_script_load_args[] = {
    { "script", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_eval_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_eval_args[] = {
    { "script", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_eval_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_eval_ro_args[] = {
    { "script", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_evalsha_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_evalsha_args[] = {
    { "sha1", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_evalsha_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_evalsha_ro_args[] = {
    { "sha1", "string", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
    { "arg", "string", NULL, -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_dbsize_tips[] = { "request_policy:all_shards", "response_policy:agg_sum" };

static const char *const doc_flushdb_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_flushdb_args_0[] = {
    { "async", "pure-token", "ASYNC", -1, 0, 0, NULL },
    { "sync", "pure-token", "SYNC", -1, 0, 0, NULL },
};

static const struct command_argument doc_flushdb_args[] = {
    { "flush-type", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_flushdb_args_0 },
};

static const char *const doc_flushall_tips[] = { "request_policy:all_shards", "response_policy:all_succeeded" };

static const struct command_argument doc_flushall_args_0[] = {
    { "async", "pure-token", "ASYNC", -1, 0, 0, NULL },
    { "sync", "pure-token", "SYNC", -1, 0, 0, NULL },
};

static const struct command_argument doc_flushall_args[] = {
    { "flush-type", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_flushall_args_0 },
};

static const struct command_argument doc_swapdb_args[] = {
    { "index1", "integer", NULL, -1, 0, 0, NULL },
    { "index2", "integer", NULL, -1, 0, 0, NULL },
};

static const char *const doc_time_tips[] = { "nondeterministic_output" };

static const char *const doc_wait_tips[] = { "request_policy:all_shards", "response_policy:agg_min" };

static const struct command_argument doc_wait_args[] = {
    { "numreplicas", "integer", NULL, -1, 0, 0, NULL },
    { "timeout", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_shutdown_args_0_0_0[] = {
    { "nosave", "pure-token", "NOSAVE", -1, 0, 0, NULL },
    { "save", "pure-token", "SAVE", -1, 0, 0, NULL },
};

static const struct command_argument doc_shutdown_args_0_0[] = {
    { "save-selector", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_shutdown_args_0_0_0 },
    { "now", "pure-token", "NOW", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "force", "pure-token", "FORCE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_shutdown_args_0[] = {
    { "nosave", "block", NULL, -1, 0, 3, doc_shutdown_args_0_0 },
    { "abort", "pure-token", "ABORT", -1, 0, 0, NULL },
};

static const struct command_argument doc_shutdown_args[] = {
    { "how", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_shutdown_args_0 },
};

static const struct command_key_spec doc_sadd_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_sadd_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_scard_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_scard_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_sismember_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_sismember_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_smembers_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_smembers_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_smembers_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_smismember_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_smismember_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_smove_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_smove_args[] = {
    { "source", "key", NULL, 0, 0, 0, NULL },
    { "destination", "key", NULL, 1, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_srem_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_srem_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_sdiff_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_sdiff_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_sdiff_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_sdiffstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { -1, 1, 0 } },
};

static const struct command_argument doc_sdiffstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_sinter_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_sinter_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_sinter_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_sintercard_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_sintercard_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "limit", "integer", "LIMIT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_sinterstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { -1, 1, 0 } },
};

static const struct command_argument doc_sinterstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_sunion_tips[] = { "nondeterministic_output_order" };

static const struct command_key_spec doc_sunion_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_sunion_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_sunionstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { -1, 1, 0 } },
};

static const struct command_argument doc_sunionstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_spop_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_spop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_spop_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_srandmember_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_srandmember_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_srandmember_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_sscan_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_sscan_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_sscan_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "cursor", "integer", NULL, -1, 0, 0, NULL },
    { "pattern", "pattern", "MATCH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_slowlog_get_tips[] = { "request_policy:all_nodes", "nondeterministic_output" };

static const struct command_argument doc_slowlog_get_args[] = {
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_slowlog_len_tips[] = { "request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output" };

static const char *const doc_slowlog_reset_tips[] = { "request_policy:all_nodes", "response_policy:all_succeeded" };

static const struct command_key_spec doc_sort_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_UNKNOWN, KEY_FIND_UNKNOWN, NULL, 0, { 0, 0, 0 } },
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_UNKNOWN, KEY_FIND_UNKNOWN, NULL, 0, { 0, 0, 0 } },
};

static const struct command_argument doc_sort_args_2[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_sort_args_4[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_sort_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "by-pattern", "pattern", "BY", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_sort_args_2 },
    { "get-pattern", "pattern", "GET", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_sort_args_4 },
    { "alpha", "pure-token", "ALPHA", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "destination", "key", "STORE", 1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_sort_ro_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_UNKNOWN, KEY_FIND_UNKNOWN, NULL, 0, { 0, 0, 0 } },
};

static const struct command_argument doc_sort_ro_args_2[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_sort_ro_args_4[] = {
    { "asc", "pure-token", "ASC", -1, 0, 0, NULL },
    { "desc", "pure-token", "DESC", -1, 0, 0, NULL },
};

static const struct command_argument doc_sort_ro_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "by-pattern", "pattern", "BY", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_sort_ro_args_2 },
    { "get-pattern", "pattern", "GET", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "asc-desc", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_sort_ro_args_4 },
    { "alpha", "pure-token", "ALPHA", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_xadd_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xadd_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xadd_args_2_0[] = {
    { "maxlen", "pure-token", "MAXLEN", -1, 0, 0, NULL },
    { "minid", "pure-token", "MINID", -1, 0, 0, NULL },
};

static const struct command_argument doc_xadd_args_2_1[] = {
    { "=", "pure-token", "=", -1, 0, 0, NULL },
    { "~", "pure-token", "~", -1, 0, 0, NULL },
};

static const struct command_argument doc_xadd_args_2[] = {
    { "maxlen-minid", "oneof", NULL, -1, 0, 2, doc_xadd_args_2_0 },
    { "=-~", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_xadd_args_2_1 },
    { "threshold", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", "LIMIT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_xadd_args_3[] = {
    { "*", "pure-token", "*", -1, 0, 0, NULL },
    { "id", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_xadd_args_4[] = {
    { "field", "string", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_xadd_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "nomkstream", "pure-token", "NOMKSTREAM", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 4, doc_xadd_args_2 },
    { "*-id", "oneof", NULL, -1, 0, 2, doc_xadd_args_3 },
    { "field-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_xadd_args_4 },
};

static const struct command_key_spec doc_xsetid_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xsetid_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "last-id", "string", NULL, -1, 0, 0, NULL },
    { "entries-added", "integer", "ENTRIESADDED", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "max-deleted-id", "string", "MAXDELETEDID", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_xtrim_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xtrim_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xtrim_args_1[] = {
    { "maxlen", "pure-token", "MAXLEN", -1, 0, 0, NULL },
    { "minid", "pure-token", "MINID", -1, 0, 0, NULL },
};

static const struct command_argument doc_xtrim_args_2[] = {
    { "=", "pure-token", "=", -1, 0, 0, NULL },
    { "~", "pure-token", "~", -1, 0, 0, NULL },
};

static const struct command_argument doc_xtrim_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "maxlen-minid", "oneof", NULL, -1, 0, 2, doc_xtrim_args_1 },
    { "=-~", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_xtrim_args_2 },
    { "threshold", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", "LIMIT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_xautoclaim_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xautoclaim_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xautoclaim_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, 0, 0, NULL },
    { "min-idle-time", "string", NULL, -1, 0, 0, NULL },
    { "start", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "justid", "pure-token", "JUSTID", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_xclaim_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xclaim_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xclaim_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, 0, 0, NULL },
    { "min-idle-time", "string", NULL, -1, 0, 0, NULL },
    { "ID", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
    { "ms", "integer", "IDLE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "unix-time-milliseconds", "unix-time", "TIME", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "count", "integer", "RETRYCOUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "force", "pure-token", "FORCE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "justid", "pure-token", "JUSTID", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "lastid", "string", "LASTID", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_xgroup_create_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xgroup_create_args_2[] = {
    { "id", "string", NULL, -1, 0, 0, NULL },
    { "$", "pure-token", "$", -1, 0, 0, NULL },
};

static const struct command_argument doc_xgroup_create_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "id-$", "oneof", NULL, -1, 0, 2, doc_xgroup_create_args_2 },
    { "mkstream", "pure-token", "MKSTREAM", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "entriesread", "integer", "ENTRIESREAD", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_xgroup_createconsumer_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xgroup_createconsumer_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_xgroup_delconsumer_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xgroup_delconsumer_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_xgroup_destroy_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xgroup_destroy_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_xgroup_setid_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xgroup_setid_args_2[] = {
    { "id", "string", NULL, -1, 0, 0, NULL },
    { "$", "pure-token", "$", -1, 0, 0, NULL },
};

static const struct command_argument doc_xgroup_setid_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "id-$", "oneof", NULL, -1, 0, 2, doc_xgroup_setid_args_2 },
    { "entriesread", "integer", "ENTRIESREAD", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_xinfo_consumers_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xinfo_consumers_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xinfo_consumers_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_xinfo_groups_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xinfo_groups_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_xinfo_stream_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_xinfo_stream_args_1[] = {
    { "full", "pure-token", "FULL", -1, 0, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_xinfo_stream_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_xinfo_stream_args_1 },
};

static const char *const doc_xpending_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_xpending_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xpending_args_2[] = {
    { "min-idle-time", "integer", "IDLE", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "start", "string", NULL, -1, 0, 0, NULL },
    { "end", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_xpending_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 5, doc_xpending_args_2 },
};

static const struct command_key_spec doc_xlen_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xlen_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_xrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "string", NULL, -1, 0, 0, NULL },
    { "end", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_xrevrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xrevrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "end", "string", NULL, -1, 0, 0, NULL },
    { "start", "string", NULL, -1, 0, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_xread_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STREAMS", 1, { -1, 1, 2 } },
};

static const struct command_argument doc_xread_args[] = {
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "milliseconds", "integer", "BLOCK", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "key", "key", "STREAMS", 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "ID", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_xreadgroup_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_KEYWORD, KEY_FIND_RANGE, "STREAMS", 4, { -1, 1, 2 } },
};

static const struct command_argument doc_xreadgroup_args_0[] = {
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "consumer", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_xreadgroup_args[] = {
    { "group", "block", "GROUP", -1, 0, 2, doc_xreadgroup_args_0 },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "milliseconds", "integer", "BLOCK", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "noack", "pure-token", "NOACK", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "key", "key", "STREAMS", 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "ID", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_xack_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xack_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "group", "string", NULL, -1, 0, 0, NULL },
    { "ID", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_xdel_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_xdel_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "ID", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_append_keys[] = {
    { NULL, KEY_RW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_append_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_get_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_get_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_getdel_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_getdel_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_getex_keys[] = {
    { "RW and UPDATE because it changes the TTL", KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_getex_args_1[] = {
    { "seconds", "integer", "EX", -1, 0, 0, NULL },
    { "milliseconds", "integer", "PX", -1, 0, 0, NULL },
    { "unix-time-seconds", "unix-time", "EXAT", -1, 0, 0, NULL },
    { "unix-time-milliseconds", "unix-time", "PXAT", -1, 0, 0, NULL },
    { "persist", "pure-token", "PERSIST", -1, 0, 0, NULL },
};

static const struct command_argument doc_getex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "expiration", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 5, doc_getex_args_1 },
};

static const struct command_key_spec doc_getrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_getrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "end", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_getset_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_getset_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const char *const doc_mget_tips[] = { "request_policy:multi_shard" };

static const struct command_key_spec doc_mget_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_mget_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const char *const doc_mset_tips[] = { "request_policy:multi_shard", "response_policy:all_succeeded" };

static const struct command_key_spec doc_mset_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 2, 0 } },
};

static const struct command_argument doc_mset_args_0[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_mset_args[] = {
    { "key-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_mset_args_0 },
};

static const struct command_key_spec doc_msetnx_keys[] = {
    { NULL, KEY_OW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 2, 0 } },
};

static const struct command_argument doc_msetnx_args_0[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_msetnx_args[] = {
    { "key-value", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_msetnx_args_0 },
};

static const struct command_key_spec doc_psetex_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_psetex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "milliseconds", "integer", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_set_keys[] = {
    { "RW and ACCESS due to the optional `GET` argument", KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_set_args_2[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
};

static const struct command_argument doc_set_args_4[] = {
    { "seconds", "integer", "EX", -1, 0, 0, NULL },
    { "milliseconds", "integer", "PX", -1, 0, 0, NULL },
    { "unix-time-seconds", "unix-time", "EXAT", -1, 0, 0, NULL },
    { "unix-time-milliseconds", "unix-time", "PXAT", -1, 0, 0, NULL },
    { "keepttl", "pure-token", "KEEPTTL", -1, 0, 0, NULL },
};

static const struct command_argument doc_set_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_set_args_2 },
    { "get", "pure-token", "GET", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "expiration", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 5, doc_set_args_4 },
};

static const struct command_key_spec doc_setex_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_setex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "seconds", "integer", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_setnx_keys[] = {
    { NULL, KEY_OW | KEY_INSERT, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_setnx_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_setrange_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_setrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "value", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_strlen_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_strlen_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_substr_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_substr_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "end", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_watch_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -1, 1, 0 } },
};

static const struct command_argument doc_watch_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_zadd_keys[] = {
    { NULL, KEY_RW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zadd_args_1[] = {
    { "nx", "pure-token", "NX", -1, 0, 0, NULL },
    { "xx", "pure-token", "XX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zadd_args_2[] = {
    { "gt", "pure-token", "GT", -1, 0, 0, NULL },
    { "lt", "pure-token", "LT", -1, 0, 0, NULL },
};

static const struct command_argument doc_zadd_args_5[] = {
    { "score", "double", NULL, -1, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zadd_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "condition", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_zadd_args_1 },
    { "gt-lt", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_zadd_args_2 },
    { "ch", "pure-token", "CH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "incr", "pure-token", "INCR", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "score-member", "block", NULL, -1, ARGUMENT_MULTIPLE, 2, doc_zadd_args_5 },
};

static const struct command_key_spec doc_zcard_keys[] = {
    { NULL, KEY_RO, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zcard_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
};

static const struct command_key_spec doc_zcount_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zcount_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "double", NULL, -1, 0, 0, NULL },
    { "max", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zincrby_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zincrby_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "increment", "integer", NULL, -1, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zlexcount_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zlexcount_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "string", NULL, -1, 0, 0, NULL },
    { "max", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zmscore_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zmscore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_zrank_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrank_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
    { "withscore", "pure-token", "WITHSCORE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zrem_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrem_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_zrevrank_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrevrank_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
    { "withscore", "pure-token", "WITHSCORE", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zscore_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zscore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "member", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zdiff_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_zdiff_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zdiffstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_zdiffstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
};

static const struct command_key_spec doc_zinter_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_zinter_args_3[] = {
    { "sum", "pure-token", "SUM", -1, 0, 0, NULL },
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zinter_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "weight", "integer", "WEIGHTS", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "sum-min-max", "oneof", "AGGREGATE", -1, ARGUMENT_OPTIONAL, 3, doc_zinter_args_3 },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zintercard_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_zintercard_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "limit", "integer", "LIMIT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zinterstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_zinterstore_args_4[] = {
    { "sum", "pure-token", "SUM", -1, 0, 0, NULL },
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zinterstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
    { "weight", "integer", "WEIGHTS", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "sum-min-max", "oneof", "AGGREGATE", -1, ARGUMENT_OPTIONAL, 3, doc_zinterstore_args_4 },
};

static const struct command_key_spec doc_zunion_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_zunion_args_3[] = {
    { "sum", "pure-token", "SUM", -1, 0, 0, NULL },
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zunion_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "weight", "integer", "WEIGHTS", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "sum-min-max", "oneof", "AGGREGATE", -1, ARGUMENT_OPTIONAL, 3, doc_zunion_args_3 },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zunionstore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_zunionstore_args_4[] = {
    { "sum", "pure-token", "SUM", -1, 0, 0, NULL },
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zunionstore_args[] = {
    { "destination", "key", NULL, 0, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 1, ARGUMENT_MULTIPLE, 0, NULL },
    { "weight", "integer", "WEIGHTS", -1, ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN, 0, NULL },
    { "sum-min-max", "oneof", "AGGREGATE", -1, ARGUMENT_OPTIONAL, 3, doc_zunionstore_args_4 },
};

static const struct command_key_spec doc_bzmpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 2, { 0, 1, 1 } },
};

static const struct command_argument doc_bzmpop_args_3[] = {
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_bzmpop_args[] = {
    { "timeout", "double", NULL, -1, 0, 0, NULL },
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "min-max", "oneof", NULL, -1, 0, 2, doc_bzmpop_args_3 },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_bzpopmax_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -2, 1, 0 } },
};

static const struct command_argument doc_bzpopmax_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_bzpopmin_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { -2, 1, 0 } },
};

static const struct command_argument doc_bzpopmin_args[] = {
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "timeout", "double", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zmpop_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_KEYNUM, NULL, 1, { 0, 1, 1 } },
};

static const struct command_argument doc_zmpop_args_2[] = {
    { "min", "pure-token", "MIN", -1, 0, 0, NULL },
    { "max", "pure-token", "MAX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zmpop_args[] = {
    { "numkeys", "integer", NULL, -1, 0, 0, NULL },
    { "key", "key", NULL, 0, ARGUMENT_MULTIPLE, 0, NULL },
    { "min-max", "oneof", NULL, -1, 0, 2, doc_zmpop_args_2 },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zpopmax_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zpopmax_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zpopmin_keys[] = {
    { NULL, KEY_RW | KEY_ACCESS | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zpopmin_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "count", "integer", NULL, -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const char *const doc_zrandmember_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_zrandmember_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrandmember_args_1[] = {
    { "count", "integer", NULL, -1, 0, 0, NULL },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_argument doc_zrandmember_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "arguments", "block", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_zrandmember_args_1 },
};

static const struct command_key_spec doc_zrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrange_args_3[] = {
    { "byscore", "pure-token", "BYSCORE", -1, 0, 0, NULL },
    { "bylex", "pure-token", "BYLEX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zrange_args_5[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "string", NULL, -1, 0, 0, NULL },
    { "stop", "string", NULL, -1, 0, 0, NULL },
    { "byscore-bylex", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_zrange_args_3 },
    { "rev", "pure-token", "REV", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrange_args_5 },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zrangebylex_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrangebylex_args_3[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrangebylex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "string", NULL, -1, 0, 0, NULL },
    { "max", "string", NULL, -1, 0, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrangebylex_args_3 },
};

static const struct command_key_spec doc_zrangebyscore_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrangebyscore_args_4[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrangebyscore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "double", NULL, -1, 0, 0, NULL },
    { "max", "double", NULL, -1, 0, 0, NULL },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrangebyscore_args_4 },
};

static const struct command_key_spec doc_zrangestore_keys[] = {
    { NULL, KEY_OW | KEY_UPDATE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 2, { 0, 1, 0 } },
};

static const struct command_argument doc_zrangestore_args_4[] = {
    { "byscore", "pure-token", "BYSCORE", -1, 0, 0, NULL },
    { "bylex", "pure-token", "BYLEX", -1, 0, 0, NULL },
};

static const struct command_argument doc_zrangestore_args_6[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrangestore_args[] = {
    { "dst", "key", NULL, 0, 0, 0, NULL },
    { "src", "key", NULL, 1, 0, 0, NULL },
    { "min", "string", NULL, -1, 0, 0, NULL },
    { "max", "string", NULL, -1, 0, 0, NULL },
    { "byscore-bylex", "oneof", NULL, -1, ARGUMENT_OPTIONAL, 2, doc_zrangestore_args_4 },
    { "rev", "pure-token", "REV", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrangestore_args_6 },
};

static const struct command_key_spec doc_zrevrange_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrevrange_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "stop", "integer", NULL, -1, 0, 0, NULL },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

static const struct command_key_spec doc_zrevrangebylex_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrevrangebylex_args_3[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrevrangebylex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "max", "string", NULL, -1, 0, 0, NULL },
    { "min", "string", NULL, -1, 0, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrevrangebylex_args_3 },
};

static const struct command_key_spec doc_zrevrangebyscore_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zrevrangebyscore_args_4[] = {
    { "offset", "integer", NULL, -1, 0, 0, NULL },
    { "count", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_argument doc_zrevrangebyscore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "max", "double", NULL, -1, 0, 0, NULL },
    { "min", "double", NULL, -1, 0, 0, NULL },
    { "withscores", "pure-token", "WITHSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "limit", "block", "LIMIT", -1, ARGUMENT_OPTIONAL, 2, doc_zrevrangebyscore_args_4 },
};

static const struct command_key_spec doc_zremrangebylex_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zremrangebylex_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "string", NULL, -1, 0, 0, NULL },
    { "max", "string", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zremrangebyrank_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zremrangebyrank_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "start", "integer", NULL, -1, 0, 0, NULL },
    { "stop", "integer", NULL, -1, 0, 0, NULL },
};

static const struct command_key_spec doc_zremrangebyscore_keys[] = {
    { NULL, KEY_RW | KEY_DELETE, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zremrangebyscore_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "min", "double", NULL, -1, 0, 0, NULL },
    { "max", "double", NULL, -1, 0, 0, NULL },
};

static const char *const doc_zscan_tips[] = { "nondeterministic_output" };

static const struct command_key_spec doc_zscan_keys[] = {
    { NULL, KEY_RO | KEY_ACCESS, KEY_BEGIN_INDEX, KEY_FIND_RANGE, NULL, 1, { 0, 1, 0 } },
};

static const struct command_argument doc_zscan_args[] = {
    { "key", "key", NULL, 0, 0, 0, NULL },
    { "cursor", "integer", NULL, -1, 0, 0, NULL },
    { "pattern", "pattern", "MATCH", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "count", "integer", "COUNT", -1, ARGUMENT_OPTIONAL, 0, NULL },
    { "noscores", "pure-token", "NOSCORES", -1, ARGUMENT_OPTIONAL, 0, NULL },
};

const struct command_docs command_docs[COMMAND_COUNT] = {
    [CMD_ID_ACL_CAT] = { .summary = "Names the categories of commands, or the commands of one.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_acl_cat_args },
    [CMD_ID_ACL_DELUSER] = { .summary = "Removes users and closes their connections.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N client connections",
        .tip_count = 2,
        .tips = doc_acl_deluser_tips,
        .argument_count = 1,
        .arguments = doc_acl_deluser_args },
    [CMD_ID_ACL_DRYRUN] = { .summary = "Tells whether a user may run a command, without running it.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 3,
        .arguments = doc_acl_dryrun_args },
    [CMD_ID_ACL_GENPASS] = { .summary = "Makes up a password.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_acl_genpass_args },
    [CMD_ID_ACL_GETUSER] = { .summary = "Shows a user and its rules.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N rules of the user",
        .argument_count = 1,
        .arguments = doc_acl_getuser_args },
    [CMD_ID_ACL_HELP] = { .summary = "Lists the subcommands.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_ACL_LIST] = { .summary = "Shows all users as lines of a configuration.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N users" },
    [CMD_ID_ACL_LOAD] = { .summary = "Takes all users from the aclfile, or none.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N users" },
    [CMD_ID_ACL_LOG] = { .summary = "Shows what was denied lately, and to whom.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N entries shown",
        .argument_count = 1,
        .arguments = doc_acl_log_args },
    [CMD_ID_ACL_SAVE] = { .summary = "Writes all users into the aclfile.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N users",
        .tip_count = 2,
        .tips = doc_acl_save_tips },
    [CMD_ID_ACL_SETUSER] = { .summary = "Makes a user, or changes one.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N rules given",
        .tip_count = 2,
        .tips = doc_acl_setuser_tips,
        .argument_count = 2,
        .arguments = doc_acl_setuser_args },
    [CMD_ID_ACL_USERS] = { .summary = "Names all users.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N users" },
    [CMD_ID_ACL_WHOAMI] = { .summary = "Names the user of the connection.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_ACL] = { .summary = "Holds the commands about users and what they may do.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_BGREWRITEAOF] = { .summary = "Begins the append-only log anew with a snapshot.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1); the file takes O(N) with N keys" },
    [CMD_ID_WAITAOF] = { .summary = "Waits until the writes so far are durable.",
        .since = "7.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_waitaof_tips,
        .argument_count = 3,
        .arguments = doc_waitaof_args },
    [CMD_ID_BITFIELD] = { .summary = "Reads and changes numbers of any width within a string.",
        .since = "3.2.0",
        .group = "bitmap",
        .complexity = "O(1) for each operation",
        .key_spec_count = 1,
        .key_specs = doc_bitfield_keys,
        .argument_count = 2,
        .arguments = doc_bitfield_args },
    [CMD_ID_BITFIELD_RO] = { .summary = "Reads numbers of any width within a string.",
        .since = "6.0.0",
        .group = "bitmap",
        .complexity = "O(1) for each operation",
        .key_spec_count = 1,
        .key_specs = doc_bitfield_ro_keys,
        .argument_count = 2,
        .arguments = doc_bitfield_ro_args },
    [CMD_ID_BITCOUNT] = { .summary = "Counts the bits set in a range of a string.",
        .since = "2.6.0",
        .group = "bitmap",
        .complexity = "O(N) with N bytes looked at",
        .key_spec_count = 1,
        .key_specs = doc_bitcount_keys,
        .argument_count = 2,
        .arguments = doc_bitcount_args },
    [CMD_ID_BITPOS] = { .summary = "Finds the first bit set, or clear, in a string.",
        .since = "2.8.7",
        .group = "bitmap",
        .complexity = "O(N) with N bytes looked at",
        .key_spec_count = 1,
        .key_specs = doc_bitpos_keys,
        .argument_count = 3,
        .arguments = doc_bitpos_args },
    [CMD_ID_GETBIT] = { .summary = "Reads one bit of a string.",
        .since = "2.2.0",
        .group = "bitmap",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_getbit_keys,
        .argument_count = 2,
        .arguments = doc_getbit_args },
    [CMD_ID_SETBIT] = { .summary = "Sets or clears one bit of a string; creates the key if it is absent.",
        .since = "2.2.0",
        .group = "bitmap",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_setbit_keys,
        .argument_count = 3,
        .arguments = doc_setbit_args },
    [CMD_ID_BITOP] = { .summary = "Combines strings bit by bit and stores the result.",
        .since = "2.6.0",
        .group = "bitmap",
        .complexity = "O(N) with N bytes of the longest",
        .key_spec_count = 2,
        .key_specs = doc_bitop_keys,
        .argument_count = 3,
        .arguments = doc_bitop_args },
    [CMD_ID_CLIENT_CACHING] = { .summary = "Says whether the next command's keys are remembered for the client's cache.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_client_caching_args },
    [CMD_ID_CLIENT_GETREDIR] = { .summary = "Tells which client is told of changed keys instead of this one.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)" },
    [CMD_ID_CLIENT_TRACKING] = { .summary = "Tells the client when keys that it has read change, or ceases to.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(N) with N prefixes",
        .argument_count = 7,
        .arguments = doc_client_tracking_args },
    [CMD_ID_CLIENT_TRACKINGINFO] = { .summary = "Describes how the connection's cache is kept up to date.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(N) with N prefixes" },
    [CMD_ID_CLIENT_GETNAME] = { .summary = "Tells the name of the connection.",
        .since = "2.6.9",
        .group = "connection",
        .complexity = "O(1)" },
    [CMD_ID_CLIENT_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(1)" },
    [CMD_ID_CLIENT_ID] = { .summary = "Tells the number of the connection, which is never used again.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(1)" },
    [CMD_ID_CLIENT_INFO] = { .summary = "Describes the connection.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_client_info_tips },
    [CMD_ID_CLIENT_KILL] = { .summary = "Closes connections that match.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "O(N) with N client connections",
        .argument_count = 1,
        .arguments = doc_client_kill_args },
    [CMD_ID_CLIENT_LIST] = { .summary = "Describes all connections, or those that match.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "O(N) with N client connections",
        .tip_count = 1,
        .tips = doc_client_list_tips,
        .argument_count = 2,
        .arguments = doc_client_list_args },
    [CMD_ID_CLIENT_NO_EVICT] = { .summary = "Spares the connection when clients are evicted.",
        .since = "7.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_client_no_evict_args },
    [CMD_ID_CLIENT_NO_TOUCH] = { .summary = "Keeps the connection's commands from touching the access clock of keys.",
        .since = "7.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_client_no_touch_args },
    [CMD_ID_CLIENT_PAUSE] = { .summary = "Holds the commands of all clients for a while.",
        .since = "3.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 2,
        .arguments = doc_client_pause_args },
    [CMD_ID_CLIENT_REPLY] = { .summary = "Switches the replies to the connection on or off.",
        .since = "3.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_client_reply_args },
    [CMD_ID_CLIENT_SETINFO] = { .summary = "Tells the server about the client library.",
        .since = "7.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_client_setinfo_tips,
        .argument_count = 1,
        .arguments = doc_client_setinfo_args },
    [CMD_ID_CLIENT_SETNAME] = { .summary = "Gives the connection a name.",
        .since = "2.6.9",
        .group = "connection",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_client_setname_tips,
        .argument_count = 1,
        .arguments = doc_client_setname_args },
    [CMD_ID_CLIENT_UNBLOCK] = { .summary = "Lets a client that waits wait no more.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(log N) with N clients",
        .argument_count = 2,
        .arguments = doc_client_unblock_args },
    [CMD_ID_CLIENT_UNPAUSE] = { .summary = "Lets the commands go on that a pause holds.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(N) with N clients held" },
    [CMD_ID_CLIENT] = { .summary = "Holds the commands about client connections.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "Depends on subcommand." },
    [CMD_ID_COMMAND_COUNT] = { .summary = "Counts the commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_COMMAND_DOCS] = { .summary = "Documents one, several or all commands.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) with N commands looked up",
        .tip_count = 1,
        .tips = doc_command_docs_tips,
        .argument_count = 1,
        .arguments = doc_command_docs_args },
    [CMD_ID_COMMAND_GETKEYS] = { .summary = "Extracts the key names of a command.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) with N arguments",
        .argument_count = 2,
        .arguments = doc_command_getkeys_args },
    [CMD_ID_COMMAND_GETKEYSANDFLAGS] = { .summary = "Extracts the key names of a command and how it uses them.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) with N arguments",
        .argument_count = 2,
        .arguments = doc_command_getkeysandflags_args },
    [CMD_ID_COMMAND_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_COMMAND_INFO] = { .summary = "Describes one, several or all commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) with N commands looked up",
        .tip_count = 1,
        .tips = doc_command_info_tips,
        .argument_count = 1,
        .arguments = doc_command_info_args },
    [CMD_ID_COMMAND_LIST] = { .summary = "Lists the names of commands.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) with N commands",
        .tip_count = 1,
        .tips = doc_command_list_tips,
        .argument_count = 1,
        .arguments = doc_command_list_args },
    [CMD_ID_COMMAND] = { .summary = "Describes all commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) with N commands",
        .tip_count = 1,
        .tips = doc_command_tips },
    [CMD_ID_CONFIG_GET] = { .summary = "Shows the directives that match and their values.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(N) with N directives",
        .argument_count = 1,
        .arguments = doc_config_get_args },
    [CMD_ID_CONFIG_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_CONFIG_RESETSTAT] = { .summary = "Sets the counters of INFO back to zero.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_config_resetstat_tips },
    [CMD_ID_CONFIG_REWRITE] = { .summary = "Writes the settings of now into the configuration file.",
        .since = "2.8.0",
        .group = "server",
        .complexity = "O(N) with N directives",
        .tip_count = 2,
        .tips = doc_config_rewrite_tips },
    [CMD_ID_CONFIG_SET] = { .summary = "Changes directives while the server runs, all of them or none.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(N) with N directives given",
        .tip_count = 2,
        .tips = doc_config_set_tips,
        .argument_count = 1,
        .arguments = doc_config_set_args },
    [CMD_ID_CONFIG] = { .summary = "Holds the commands about the server's configuration.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_PING] = { .summary = "Shows that the server lives; gives the message back if there is one.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_ping_tips,
        .argument_count = 1,
        .arguments = doc_ping_args },
    [CMD_ID_ECHO] = { .summary = "Gives the message back.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_echo_args },
    [CMD_ID_SELECT] = { .summary = "Chooses the database of the connection.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_select_args },
    [CMD_ID_AUTH] = { .summary = "Proves who the client is.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 2,
        .arguments = doc_auth_args },
    [CMD_ID_HELLO] = { .summary = "Opens the conversation: protocol version, login and name.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_hello_args },
    [CMD_ID_RESET] = { .summary = "Puts the connection back into its first state.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(1)" },
    [CMD_ID_QUIT] = { .summary = "Closes the connection.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .deprecated_since = "7.2.0",
        .replaced_by = "just closing the connection" },
    [CMD_ID_DEBUG] = { .summary = "Looks inside the server; for developers.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .is_syscmd = true },
    [CMD_ID_DUMP] = { .summary = "Shows a value as bytes that RESTORE takes.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(N) with N bytes",
        .tip_count = 1,
        .tips = doc_dump_tips,
        .key_spec_count = 1,
        .key_specs = doc_dump_keys,
        .argument_count = 1,
        .arguments = doc_dump_args },
    [CMD_ID_EXPIRE] = { .summary = "Gives a key a time to live in seconds.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_expire_keys,
        .argument_count = 3,
        .arguments = doc_expire_args },
    [CMD_ID_EXPIREAT] = { .summary = "Gives a key a deadline as a Unix time in seconds.",
        .since = "1.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_expireat_keys,
        .argument_count = 3,
        .arguments = doc_expireat_args },
    [CMD_ID_EXPIRETIME] = { .summary = "Tells a key's deadline as a Unix time in seconds.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_expiretime_keys,
        .argument_count = 1,
        .arguments = doc_expiretime_args },
    [CMD_ID_PERSIST] = { .summary = "Takes a key's deadline away.",
        .since = "2.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_persist_keys,
        .argument_count = 1,
        .arguments = doc_persist_args },
    [CMD_ID_PEXPIRE] = { .summary = "Gives a key a time to live in milliseconds.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_pexpire_keys,
        .argument_count = 3,
        .arguments = doc_pexpire_args },
    [CMD_ID_PEXPIREAT] = { .summary = "Gives a key a deadline as a Unix time in milliseconds.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_pexpireat_keys,
        .argument_count = 3,
        .arguments = doc_pexpireat_args },
    [CMD_ID_PEXPIRETIME] = { .summary = "Tells a key's deadline as a Unix time in milliseconds.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_pexpiretime_keys,
        .argument_count = 1,
        .arguments = doc_pexpiretime_args },
    [CMD_ID_PTTL] = { .summary = "Tells a key's time to live in milliseconds.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_pttl_tips,
        .key_spec_count = 1,
        .key_specs = doc_pttl_keys,
        .argument_count = 1,
        .arguments = doc_pttl_args },
    [CMD_ID_TTL] = { .summary = "Tells a key's time to live in seconds.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_ttl_tips,
        .key_spec_count = 1,
        .key_specs = doc_ttl_keys,
        .argument_count = 1,
        .arguments = doc_ttl_args },
    [CMD_ID_FUNCTION_DELETE] = { .summary = "Drops a library with its functions.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_function_delete_tips,
        .argument_count = 1,
        .arguments = doc_function_delete_args },
    [CMD_ID_FUNCTION_DUMP] = { .summary = "Returns all libraries as a payload.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) with N bytes of code" },
    [CMD_ID_FUNCTION_FLUSH] = { .summary = "Drops all libraries.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) with N functions, freed in slices unless SYNC is given",
        .tip_count = 2,
        .tips = doc_function_flush_tips,
        .argument_count = 1,
        .arguments = doc_function_flush_args },
    [CMD_ID_FUNCTION_HELP] = { .summary = "Lists the subcommands.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)" },
    [CMD_ID_FUNCTION_KILL] = { .summary = "Ends the function that runs for too long; with UNDO also one that has written.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) with N keys to undo",
        .tip_count = 2,
        .tips = doc_function_kill_tips },
    [CMD_ID_FUNCTION_LIST] = { .summary = "Describes the libraries and their functions.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) with N functions",
        .tip_count = 1,
        .tips = doc_function_list_tips,
        .argument_count = 2,
        .arguments = doc_function_list_args },
    [CMD_ID_FUNCTION_LOAD] = { .summary = "Loads a library of functions from its code.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1) but for what the code does",
        .tip_count = 2,
        .tips = doc_function_load_tips,
        .argument_count = 2,
        .arguments = doc_function_load_args },
    [CMD_ID_FUNCTION_RESTORE] = { .summary = "Loads the libraries of a payload.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) with N functions of the payload",
        .tip_count = 2,
        .tips = doc_function_restore_tips,
        .argument_count = 2,
        .arguments = doc_function_restore_args },
    [CMD_ID_FUNCTION_STATS] = { .summary = "Describes the function that runs for too long, and the engines.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_function_stats_tips },
    [CMD_ID_FCALL] = { .summary = "Calls a function.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the function.",
        .key_spec_count = 1,
        .key_specs = doc_fcall_keys,
        .argument_count = 4,
        .arguments = doc_fcall_args },
    [CMD_ID_FCALL_RO] = { .summary = "Calls a function that only reads.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the function.",
        .key_spec_count = 1,
        .key_specs = doc_fcall_ro_keys,
        .argument_count = 4,
        .arguments = doc_fcall_ro_args },
    [CMD_ID_FUNCTION] = { .summary = "Holds the commands about functions.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on subcommand." },
    [CMD_ID_GEOADD] = { .summary = "Adds places to a geospatial index, a sorted set.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(log N) for each place",
        .key_spec_count = 1,
        .key_specs = doc_geoadd_keys,
        .argument_count = 4,
        .arguments = doc_geoadd_args },
    [CMD_ID_GEODIST] = { .summary = "Tells the distance between two places.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_geodist_keys,
        .argument_count = 4,
        .arguments = doc_geodist_args },
    [CMD_ID_GEOHASH] = { .summary = "Shows places as geohash strings.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1) for each place",
        .key_spec_count = 1,
        .key_specs = doc_geohash_keys,
        .argument_count = 2,
        .arguments = doc_geohash_args },
    [CMD_ID_GEOPOS] = { .summary = "Shows the longitude and latitude of places.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1) for each place",
        .key_spec_count = 1,
        .key_specs = doc_geopos_keys,
        .argument_count = 2,
        .arguments = doc_geopos_args },
    [CMD_ID_GEORADIUS] = { .summary = "Finds places within a distance of a point, and may store them.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 3,
        .key_specs = doc_georadius_keys,
        .argument_count = 11,
        .arguments = doc_georadius_args },
    [CMD_ID_GEORADIUS_RO] = { .summary = "Finds places within a distance of a point.",
        .since = "3.2.10",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_georadius_ro_keys,
        .argument_count = 10,
        .arguments = doc_georadius_ro_args },
    [CMD_ID_GEORADIUSBYMEMBER] = { .summary = "Finds places within a distance of another, and may store them.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 3,
        .key_specs = doc_georadiusbymember_keys,
        .argument_count = 10,
        .arguments = doc_georadiusbymember_args },
    [CMD_ID_GEORADIUSBYMEMBER_RO] = { .summary = "Finds places within a distance of another.",
        .since = "3.2.10",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_georadiusbymember_ro_keys,
        .argument_count = 9,
        .arguments = doc_georadiusbymember_ro_args },
    [CMD_ID_GEOSEARCH] = { .summary = "Finds places within a circle or a box.",
        .since = "6.2.0",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .key_spec_count = 1,
        .key_specs = doc_geosearch_keys,
        .argument_count = 8,
        .arguments = doc_geosearch_args },
    [CMD_ID_GEOSEARCHSTORE] = { .summary = "Finds places within a circle or a box and stores them.",
        .since = "6.2.0",
        .group = "geo",
        .complexity = "O(N + log M) with N places near and M in all",
        .key_spec_count = 2,
        .key_specs = doc_geosearchstore_keys,
        .argument_count = 7,
        .arguments = doc_geosearchstore_args },
    [CMD_ID_HDEL] = { .summary = "Removes fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hdel_keys,
        .argument_count = 2,
        .arguments = doc_hdel_args },
    [CMD_ID_HEXISTS] = { .summary = "Tells whether a hash has a field.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hexists_keys,
        .argument_count = 2,
        .arguments = doc_hexists_args },
    [CMD_ID_HGET] = { .summary = "Shows the value of a field.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hget_keys,
        .argument_count = 2,
        .arguments = doc_hget_args },
    [CMD_ID_HINCRBY] = { .summary = "Adds to the integer value of a field; creates it if it is absent.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hincrby_keys,
        .argument_count = 3,
        .arguments = doc_hincrby_args },
    [CMD_ID_HINCRBYFLOAT] = { .summary = "Adds to the value of a field as a float; creates it if it is absent.",
        .since = "2.6.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hincrbyfloat_keys,
        .argument_count = 3,
        .arguments = doc_hincrbyfloat_args },
    [CMD_ID_HLEN] = { .summary = "Counts the fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hlen_keys,
        .argument_count = 1,
        .arguments = doc_hlen_args },
    [CMD_ID_HMGET] = { .summary = "Shows the values of several fields.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hmget_keys,
        .argument_count = 2,
        .arguments = doc_hmget_args },
    [CMD_ID_HMSET] = { .summary = "Sets several fields.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .deprecated_since = "4.0.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_hmset_keys,
        .argument_count = 2,
        .arguments = doc_hmset_args },
    [CMD_ID_HSET] = { .summary = "Sets fields of a hash; creates it if it is absent.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1) for each field",
        .key_spec_count = 1,
        .key_specs = doc_hset_keys,
        .argument_count = 2,
        .arguments = doc_hset_args },
    [CMD_ID_HSETNX] = { .summary = "Sets a field that is not there yet.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hsetnx_keys,
        .argument_count = 3,
        .arguments = doc_hsetnx_args },
    [CMD_ID_HSTRLEN] = { .summary = "Tells the length of a field's value.",
        .since = "3.2.0",
        .group = "hash",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_hstrlen_keys,
        .argument_count = 2,
        .arguments = doc_hstrlen_args },
    [CMD_ID_HGETALL] = { .summary = "Shows all fields of a hash with their values.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .tip_count = 1,
        .tips = doc_hgetall_tips,
        .key_spec_count = 1,
        .key_specs = doc_hgetall_keys,
        .argument_count = 1,
        .arguments = doc_hgetall_args },
    [CMD_ID_HKEYS] = { .summary = "Shows all fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .tip_count = 1,
        .tips = doc_hkeys_tips,
        .key_spec_count = 1,
        .key_specs = doc_hkeys_keys,
        .argument_count = 1,
        .arguments = doc_hkeys_args },
    [CMD_ID_HVALS] = { .summary = "Shows all values of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .tip_count = 1,
        .tips = doc_hvals_tips,
        .key_spec_count = 1,
        .key_specs = doc_hvals_keys,
        .argument_count = 1,
        .arguments = doc_hvals_args },
    [CMD_ID_HEXPIRE] = { .summary = "Gives fields a time to live in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hexpire_keys,
        .argument_count = 5,
        .arguments = doc_hexpire_args },
    [CMD_ID_HEXPIREAT] = { .summary = "Gives fields a moment to expire at, in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hexpireat_keys,
        .argument_count = 5,
        .arguments = doc_hexpireat_args },
    [CMD_ID_HEXPIRETIME] = { .summary = "Tells the moment at which fields expire, in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hexpiretime_keys,
        .argument_count = 3,
        .arguments = doc_hexpiretime_args },
    [CMD_ID_HPERSIST] = { .summary = "Takes the time to live from fields.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hpersist_keys,
        .argument_count = 3,
        .arguments = doc_hpersist_args },
    [CMD_ID_HPEXPIRE] = { .summary = "Gives fields a time to live in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hpexpire_keys,
        .argument_count = 5,
        .arguments = doc_hpexpire_args },
    [CMD_ID_HPEXPIREAT] = { .summary = "Gives fields a moment to expire at, in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hpexpireat_keys,
        .argument_count = 5,
        .arguments = doc_hpexpireat_args },
    [CMD_ID_HPEXPIRETIME] = { .summary = "Tells the moment at which fields expire, in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hpexpiretime_keys,
        .argument_count = 3,
        .arguments = doc_hpexpiretime_args },
    [CMD_ID_HPTTL] = { .summary = "Tells how long fields have to live, in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_hpttl_keys,
        .argument_count = 3,
        .arguments = doc_hpttl_args },
    [CMD_ID_HTTL] = { .summary = "Tells how long fields have to live, in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) with N fields",
        .key_spec_count = 1,
        .key_specs = doc_httl_keys,
        .argument_count = 3,
        .arguments = doc_httl_args },
    [CMD_ID_HRANDFIELD] = { .summary = "Shows random fields of a hash.",
        .since = "6.2.0",
        .group = "hash",
        .complexity = "O(N) with N shown",
        .tip_count = 1,
        .tips = doc_hrandfield_tips,
        .key_spec_count = 1,
        .key_specs = doc_hrandfield_keys,
        .argument_count = 2,
        .arguments = doc_hrandfield_args },
    [CMD_ID_HSCAN] = { .summary = "Iterates over the fields of a hash.",
        .since = "2.8.0",
        .group = "hash",
        .complexity = "O(1) for each call, O(N) for all of N fields",
        .tip_count = 1,
        .tips = doc_hscan_tips,
        .key_spec_count = 1,
        .key_specs = doc_hscan_keys,
        .argument_count = 5,
        .arguments = doc_hscan_args },
    [CMD_ID_PFADD] = { .summary = "Counts elements in a HyperLogLog; creates it if it is absent.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(1) for each element",
        .key_spec_count = 1,
        .key_specs = doc_pfadd_keys,
        .argument_count = 2,
        .arguments = doc_pfadd_args },
    [CMD_ID_PFCOUNT] = { .summary = "Estimates how many different elements were counted.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(1); O(N) with N keys when there are several",
        .key_spec_count = 1,
        .key_specs = doc_pfcount_keys,
        .argument_count = 1,
        .arguments = doc_pfcount_args },
    [CMD_ID_PFMERGE] = { .summary = "Merges HyperLogLogs into one.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(N) with N keys",
        .key_spec_count = 2,
        .key_specs = doc_pfmerge_keys,
        .argument_count = 2,
        .arguments = doc_pfmerge_args },
    [CMD_ID_PFDEBUG] = { .summary = "Shows the inside of a HyperLogLog.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "Depends on subcommand.",
        .key_spec_count = 1,
        .key_specs = doc_pfdebug_keys,
        .argument_count = 2,
        .arguments = doc_pfdebug_args },
    [CMD_ID_PFSELFTEST] = { .summary = "Checks the implementation of HyperLogLogs.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(1)" },
    [CMD_ID_INFO] = { .summary = "Shows the state and the counters of the server.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_info_tips,
        .argument_count = 1,
        .arguments = doc_info_args },
    [CMD_ID_COPY] = { .summary = "Copies a key's value to another key.",
        .since = "6.2.0",
        .group = "generic",
        .complexity = "O(1) for strings, O(N) with N elements otherwise",
        .key_spec_count = 2,
        .key_specs = doc_copy_keys,
        .argument_count = 4,
        .arguments = doc_copy_args },
    [CMD_ID_DEL] = { .summary = "Deletes keys.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N) with N keys; large values are freed in slices afterwards",
        .tip_count = 2,
        .tips = doc_del_tips,
        .key_spec_count = 1,
        .key_specs = doc_del_keys,
        .argument_count = 1,
        .arguments = doc_del_args },
    [CMD_ID_EXISTS] = { .summary = "Counts which of the keys exist.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N) with N keys",
        .tip_count = 2,
        .tips = doc_exists_tips,
        .key_spec_count = 1,
        .key_specs = doc_exists_keys,
        .argument_count = 1,
        .arguments = doc_exists_args },
    [CMD_ID_MOVE] = { .summary = "Moves a key to another database.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_move_keys,
        .argument_count = 2,
        .arguments = doc_move_args },
    [CMD_ID_RENAME] = { .summary = "Gives a key another name, replacing what has it.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 2,
        .key_specs = doc_rename_keys,
        .argument_count = 2,
        .arguments = doc_rename_args },
    [CMD_ID_RENAMENX] = { .summary = "Gives a key another name unless a key has it.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 2,
        .key_specs = doc_renamenx_keys,
        .argument_count = 2,
        .arguments = doc_renamenx_args },
    [CMD_ID_TOUCH] = { .summary = "Renews the access clock of keys; counts those that exist.",
        .since = "3.2.1",
        .group = "generic",
        .complexity = "O(N) with N keys",
        .tip_count = 2,
        .tips = doc_touch_tips,
        .key_spec_count = 1,
        .key_specs = doc_touch_keys,
        .argument_count = 1,
        .arguments = doc_touch_args },
    [CMD_ID_TYPE] = { .summary = "Tells the type of the value at a key.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_type_keys,
        .argument_count = 1,
        .arguments = doc_type_args },
    [CMD_ID_UNLINK] = { .summary = "Deletes keys; their memory is freed later.",
        .since = "4.0.0",
        .group = "generic",
        .complexity = "O(1) per key",
        .tip_count = 2,
        .tips = doc_unlink_tips,
        .key_spec_count = 1,
        .key_specs = doc_unlink_keys,
        .argument_count = 1,
        .arguments = doc_unlink_args },
    [CMD_ID_LATENCY_DOCTOR] = { .summary = "Reports what took long and what may help.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_latency_doctor_tips },
    [CMD_ID_LATENCY_GRAPH] = { .summary = "Draws the samples of one kind of event.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_latency_graph_tips,
        .argument_count = 1,
        .arguments = doc_latency_graph_args },
    [CMD_ID_LATENCY_HELP] = { .summary = "Lists the subcommands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_LATENCY_HISTOGRAM] = { .summary = "Shows how long calls of commands took, as counts per step.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) with N commands that were called",
        .tip_count = 3,
        .tips = doc_latency_histogram_tips,
        .argument_count = 1,
        .arguments = doc_latency_histogram_args },
    [CMD_ID_LATENCY_HISTORY] = { .summary = "Lists the samples of one kind of event.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_latency_history_tips,
        .argument_count = 1,
        .arguments = doc_latency_history_args },
    [CMD_ID_LATENCY_LATEST] = { .summary = "Shows the latest sample of each kind of event.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_latency_latest_tips },
    [CMD_ID_LATENCY_RESET] = { .summary = "Forgets the samples of some or all kinds of events.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_latency_reset_tips,
        .argument_count = 1,
        .arguments = doc_latency_reset_args },
    [CMD_ID_LATENCY] = { .summary = "Holds the commands about what took long.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_LCS] = { .summary = "Finds the longest common subsequence of two strings.",
        .since = "7.0.0",
        .group = "string",
        .complexity = "O(N*M) with strings of N and M bytes",
        .key_spec_count = 1,
        .key_specs = doc_lcs_keys,
        .argument_count = 6,
        .arguments = doc_lcs_args },
    [CMD_ID_LINDEX] = { .summary = "Shows an element of a list by its index.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(log N) with N elements",
        .key_spec_count = 1,
        .key_specs = doc_lindex_keys,
        .argument_count = 2,
        .arguments = doc_lindex_args },
    [CMD_ID_LLEN] = { .summary = "Counts the elements of a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_llen_keys,
        .argument_count = 1,
        .arguments = doc_llen_args },
    [CMD_ID_LPUSH] = { .summary = "Puts elements at the head of a list; creates it if it is absent.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1) for each element",
        .key_spec_count = 1,
        .key_specs = doc_lpush_keys,
        .argument_count = 2,
        .arguments = doc_lpush_args },
    [CMD_ID_LPUSHX] = { .summary = "Puts elements at the head of a list that exists.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1) for each element",
        .key_spec_count = 1,
        .key_specs = doc_lpushx_keys,
        .argument_count = 2,
        .arguments = doc_lpushx_args },
    [CMD_ID_LSET] = { .summary = "Replaces an element of a list by its index.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(log N) with N elements",
        .key_spec_count = 1,
        .key_specs = doc_lset_keys,
        .argument_count = 3,
        .arguments = doc_lset_args },
    [CMD_ID_LTRIM] = { .summary = "Keeps a range of a list and removes the rest.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(log N); what is removed is freed in slices",
        .key_spec_count = 1,
        .key_specs = doc_ltrim_keys,
        .argument_count = 3,
        .arguments = doc_ltrim_args },
    [CMD_ID_RPUSH] = { .summary = "Puts elements at the tail of a list; creates it if it is absent.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1) for each element",
        .key_spec_count = 1,
        .key_specs = doc_rpush_keys,
        .argument_count = 2,
        .arguments = doc_rpush_args },
    [CMD_ID_RPUSHX] = { .summary = "Puts elements at the tail of a list that exists.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1) for each element",
        .key_spec_count = 1,
        .key_specs = doc_rpushx_keys,
        .argument_count = 2,
        .arguments = doc_rpushx_args },
    [CMD_ID_BLMOVE] = { .summary = "Moves an element from one list to another, or waits for one.",
        .since = "6.2.0",
        .group = "list",
        .complexity = "O(1)",
        .key_spec_count = 2,
        .key_specs = doc_blmove_keys,
        .argument_count = 5,
        .arguments = doc_blmove_args },
    [CMD_ID_BLMPOP] = { .summary = "Takes elements from the first list that has some, or waits.",
        .since = "7.0.0",
        .group = "list",
        .complexity = "O(N+M) with N keys and M elements",
        .key_spec_count = 1,
        .key_specs = doc_blmpop_keys,
        .argument_count = 5,
        .arguments = doc_blmpop_args },
    [CMD_ID_BLPOP] = { .summary = "Takes the first element of the first list that has one, or waits.",
        .since = "2.0.0",
        .group = "list",
        .complexity = "O(N) with N keys",
        .key_spec_count = 1,
        .key_specs = doc_blpop_keys,
        .argument_count = 2,
        .arguments = doc_blpop_args },
    [CMD_ID_BRPOP] = { .summary = "Takes the last element of the first list that has one, or waits.",
        .since = "2.0.0",
        .group = "list",
        .complexity = "O(N) with N keys",
        .key_spec_count = 1,
        .key_specs = doc_brpop_keys,
        .argument_count = 2,
        .arguments = doc_brpop_args },
    [CMD_ID_BRPOPLPUSH] = { .summary = "Moves the last element of a list to the head of another, or waits for one.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1)",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 2,
        .key_specs = doc_brpoplpush_keys,
        .argument_count = 3,
        .arguments = doc_brpoplpush_args },
    [CMD_ID_LINSERT] = { .summary = "Inserts an element before or after another.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(N) with N elements passed over",
        .key_spec_count = 1,
        .key_specs = doc_linsert_keys,
        .argument_count = 4,
        .arguments = doc_linsert_args },
    [CMD_ID_LREM] = { .summary = "Removes elements by value from a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) with N elements",
        .key_spec_count = 1,
        .key_specs = doc_lrem_keys,
        .argument_count = 3,
        .arguments = doc_lrem_args },
    [CMD_ID_LMOVE] = { .summary = "Moves an element from one list to another.",
        .since = "6.2.0",
        .group = "list",
        .complexity = "O(1)",
        .key_spec_count = 2,
        .key_specs = doc_lmove_keys,
        .argument_count = 4,
        .arguments = doc_lmove_args },
    [CMD_ID_RPOPLPUSH] = { .summary = "Moves the last element of a list to the head of another.",
        .since = "1.2.0",
        .group = "list",
        .complexity = "O(1)",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 2,
        .key_specs = doc_rpoplpush_keys,
        .argument_count = 2,
        .arguments = doc_rpoplpush_args },
    [CMD_ID_LMPOP] = { .summary = "Takes elements from the first list that has some.",
        .since = "7.0.0",
        .group = "list",
        .complexity = "O(N+M) with N keys and M elements",
        .key_spec_count = 1,
        .key_specs = doc_lmpop_keys,
        .argument_count = 4,
        .arguments = doc_lmpop_args },
    [CMD_ID_LPOP] = { .summary = "Takes elements from the head of a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) with N elements",
        .key_spec_count = 1,
        .key_specs = doc_lpop_keys,
        .argument_count = 2,
        .arguments = doc_lpop_args },
    [CMD_ID_RPOP] = { .summary = "Takes elements from the tail of a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) with N elements",
        .key_spec_count = 1,
        .key_specs = doc_rpop_keys,
        .argument_count = 2,
        .arguments = doc_rpop_args },
    [CMD_ID_LRANGE] = { .summary = "Shows a range of a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(log N + M) with N elements, M of them shown",
        .key_spec_count = 1,
        .key_specs = doc_lrange_keys,
        .argument_count = 3,
        .arguments = doc_lrange_args },
    [CMD_ID_LPOS] = { .summary = "Finds the index of an element in a list.",
        .since = "6.0.6",
        .group = "list",
        .complexity = "O(N) with N elements passed over",
        .key_spec_count = 1,
        .key_specs = doc_lpos_keys,
        .argument_count = 5,
        .arguments = doc_lpos_args },
    [CMD_ID_LOLWUT] = { .summary = "Paints a picture and tells the version.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(N) with N characters of the picture",
        .argument_count = 1,
        .arguments = doc_lolwut_args },
    [CMD_ID_MEMORY_DOCTOR] = { .summary = "Reports what is unusual about the use of memory.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_memory_doctor_tips },
    [CMD_ID_MEMORY_HELP] = { .summary = "Lists the subcommands.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_MEMORY_MALLOC_STATS] = { .summary = "Shows the allocator's own statistics.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is allocated, could be slow",
        .tip_count = 3,
        .tips = doc_memory_malloc_stats_tips },
    [CMD_ID_MEMORY_PURGE] = { .summary = "Gives unused pages back to the kernel.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is unused, could be slow",
        .tip_count = 2,
        .tips = doc_memory_purge_tips },
    [CMD_ID_MEMORY_STATS] = { .summary = "Shows what memory is used for.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_memory_stats_tips },
    [CMD_ID_MEMORY_USAGE] = { .summary = "Tells the bytes that a key and its value take.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1), O(N) with N consumers for streams",
        .key_spec_count = 1,
        .key_specs = doc_memory_usage_keys,
        .argument_count = 2,
        .arguments = doc_memory_usage_args },
    [CMD_ID_MEMORY] = { .summary = "Holds the commands about memory.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_MODULE_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_MODULE_LIST] = { .summary = "Shows the modules that are loaded: none.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_module_list_tips },
    [CMD_ID_MODULE_LOAD] = { .summary = "Refuses to load a module: they are not supported.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 2,
        .arguments = doc_module_load_args },
    [CMD_ID_MODULE_LOADEX] = { .summary = "Refuses to load a module: they are not supported.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 3,
        .arguments = doc_module_loadex_args },
    [CMD_ID_MODULE_UNLOAD] = { .summary = "Tells that there is no such module.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_module_unload_args },
    [CMD_ID_MODULE] = { .summary = "Holds the commands about modules.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_MONITOR] = { .summary = "Shows every command that the server runs.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) with N bytes of arguments, for each command shown" },
    [CMD_ID_DECR] = { .summary = "Takes one from the integer at a key; an absent key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_decr_keys,
        .argument_count = 1,
        .arguments = doc_decr_args },
    [CMD_ID_DECRBY] = { .summary = "Takes a number from the integer at a key; an absent key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_decrby_keys,
        .argument_count = 2,
        .arguments = doc_decrby_args },
    [CMD_ID_INCR] = { .summary = "Adds one to the integer at a key; an absent key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_incr_keys,
        .argument_count = 1,
        .arguments = doc_incr_args },
    [CMD_ID_INCRBY] = { .summary = "Adds a number to the integer at a key; an absent key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_incrby_keys,
        .argument_count = 2,
        .arguments = doc_incrby_args },
    [CMD_ID_INCRBYFLOAT] = { .summary = "Adds a number to the float at a key; an absent key counts as 0.",
        .since = "2.6.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_incrbyfloat_keys,
        .argument_count = 2,
        .arguments = doc_incrbyfloat_args },
    [CMD_ID_OBJECT_ENCODING] = { .summary = "Tells how a value is kept in memory.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_object_encoding_tips,
        .key_spec_count = 1,
        .key_specs = doc_object_encoding_keys,
        .argument_count = 1,
        .arguments = doc_object_encoding_args },
    [CMD_ID_OBJECT_FREQ] = { .summary = "Tells the access counter of a key under an LFU policy.",
        .since = "4.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_object_freq_tips,
        .key_spec_count = 1,
        .key_specs = doc_object_freq_keys,
        .argument_count = 1,
        .arguments = doc_object_freq_args },
    [CMD_ID_OBJECT_HELP] = { .summary = "Lists the subcommands.",
        .since = "6.2.0",
        .group = "generic",
        .complexity = "O(1)" },
    [CMD_ID_OBJECT_IDLETIME] = { .summary = "Tells for how long a key has not been used.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_object_idletime_tips,
        .key_spec_count = 1,
        .key_specs = doc_object_idletime_keys,
        .argument_count = 1,
        .arguments = doc_object_idletime_args },
    [CMD_ID_OBJECT_REFCOUNT] = { .summary = "Tells how many hold a value.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_object_refcount_tips,
        .key_spec_count = 1,
        .key_specs = doc_object_refcount_keys,
        .argument_count = 1,
        .arguments = doc_object_refcount_args },
    [CMD_ID_OBJECT] = { .summary = "Holds the commands about what is behind a key.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "Depends on subcommand." },
    [CMD_ID_PENSTOCK_HELP] = { .summary = "Lists the subcommands.",
        .since = "7.2.4",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_PENSTOCK_MOVE_SLOTS] = { .summary = "Begins to give a range of slots, with its keys, to a shard.",
        .since = "7.2.4",
        .group = "server",
        .complexity = "O(N) with N keys, in portions",
        .argument_count = 3,
        .arguments = doc_penstock_move_slots_args },
    [CMD_ID_PENSTOCK_MOVE_STATUS] = { .summary = "Tells how far the moving of slots is.",
        .since = "7.2.4",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_PENSTOCK_SHARDS] = { .summary = "Shows the shards of this server, with their slots and keys.",
        .since = "7.2.4",
        .group = "server",
        .complexity = "O(N) with N shards" },
    [CMD_ID_PENSTOCK] = { .summary = "Holds the commands that only Penstock has.",
        .since = "7.2.4",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_PUBSUB_CHANNELS] = { .summary = "Lists the channels with subscribers.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(N) with N channels",
        .argument_count = 1,
        .arguments = doc_pubsub_channels_args },
    [CMD_ID_PUBSUB_NUMPAT] = { .summary = "Counts the patterns that are subscribed to.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(1)" },
    [CMD_ID_PUBSUB_NUMSUB] = { .summary = "Counts the subscribers of channels.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(N) with N channels asked for",
        .argument_count = 1,
        .arguments = doc_pubsub_numsub_args },
    [CMD_ID_PUBSUB_SHARDCHANNELS] = { .summary = "Lists the shard channels with subscribers.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N shard channels",
        .argument_count = 1,
        .arguments = doc_pubsub_shardchannels_args },
    [CMD_ID_PUBSUB_SHARDNUMSUB] = { .summary = "Counts the subscribers of shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N shard channels asked for",
        .argument_count = 1,
        .arguments = doc_pubsub_shardnumsub_args },
    [CMD_ID_PUBSUB_HELP] = { .summary = "Lists the subcommands.",
        .since = "6.2.0",
        .group = "pubsub",
        .complexity = "O(1)" },
    [CMD_ID_SUBSCRIBE] = { .summary = "Listens to channels.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N channels",
        .argument_count = 1,
        .arguments = doc_subscribe_args },
    [CMD_ID_UNSUBSCRIBE] = { .summary = "Listens to these channels no more, or to none.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N channels",
        .argument_count = 1,
        .arguments = doc_unsubscribe_args },
    [CMD_ID_PSUBSCRIBE] = { .summary = "Listens to all channels whose names match one of the patterns.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N patterns",
        .argument_count = 1,
        .arguments = doc_psubscribe_args },
    [CMD_ID_PUNSUBSCRIBE] = { .summary = "Listens to these patterns no more, or to none.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N patterns",
        .argument_count = 1,
        .arguments = doc_punsubscribe_args },
    [CMD_ID_SSUBSCRIBE] = { .summary = "Listens to shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N shard channels",
        .key_spec_count = 1,
        .key_specs = doc_ssubscribe_keys,
        .argument_count = 1,
        .arguments = doc_ssubscribe_args },
    [CMD_ID_SUNSUBSCRIBE] = { .summary = "Listens to these shard channels no more, or to none.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N shard channels",
        .key_spec_count = 1,
        .key_specs = doc_sunsubscribe_keys,
        .argument_count = 1,
        .arguments = doc_sunsubscribe_args },
    [CMD_ID_PUBLISH] = { .summary = "Sends a message to a channel.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N+M) with N subscribers and M patterns subscribed to by anyone",
        .argument_count = 2,
        .arguments = doc_publish_args },
    [CMD_ID_SPUBLISH] = { .summary = "Sends a message to a shard channel.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) with N subscribers",
        .key_spec_count = 1,
        .key_specs = doc_spublish_keys,
        .argument_count = 2,
        .arguments = doc_spublish_args },
    [CMD_ID_PUBSUB] = { .summary = "Holds the commands about channels and those who listen.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "Depends on subcommand." },
    [CMD_ID_RESTORE] = { .summary = "Makes a key from what DUMP showed.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(N) with N bytes",
        .key_spec_count = 1,
        .key_specs = doc_restore_keys,
        .argument_count = 7,
        .arguments = doc_restore_args },
    [CMD_ID_RESTORE_ASKING] = { .summary = "Makes a key from what DUMP showed, while its slot moves here.",
        .since = "3.0.0",
        .group = "server",
        .complexity = "O(N) with N bytes",
        .key_spec_count = 1,
        .key_specs = doc_restore_asking_keys,
        .argument_count = 7,
        .arguments = doc_restore_asking_args },
    [CMD_ID_SAVE] = { .summary = "Saves all keys into a file, and waits for it.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) with N keys" },
    [CMD_ID_BGSAVE] = { .summary = "Begins to save all keys into a file.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1); the file takes O(N) with N keys",
        .argument_count = 1,
        .arguments = doc_bgsave_args },
    [CMD_ID_LASTSAVE] = { .summary = "Tells when a snapshot worked last.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_lastsave_tips },
    [CMD_ID_KEYS] = { .summary = "Gives all key names that match a pattern.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N) with N keys in the database",
        .tip_count = 2,
        .tips = doc_keys_tips,
        .argument_count = 1,
        .arguments = doc_keys_args },
    [CMD_ID_RANDOMKEY] = { .summary = "Gives the name of some key.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_randomkey_tips },
    [CMD_ID_SCAN] = { .summary = "Walks over the key names, a part per call.",
        .since = "2.8.0",
        .group = "generic",
        .complexity = "O(1) per call, O(N) for all of N keys",
        .tip_count = 3,
        .tips = doc_scan_tips,
        .argument_count = 4,
        .arguments = doc_scan_args },
    [CMD_ID_SCRIPT_DEBUG] = { .summary = "Accepts that there is no debugger.",
        .since = "3.2.0",
        .group = "scripting",
        .complexity = "O(1)",
        .argument_count = 1,
        .arguments = doc_script_debug_args },
    [CMD_ID_SCRIPT_EXISTS] = { .summary = "Tells which scripts are in the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N scripts asked for",
        .tip_count = 2,
        .tips = doc_script_exists_tips,
        .argument_count = 1,
        .arguments = doc_script_exists_args },
    [CMD_ID_SCRIPT_FLUSH] = { .summary = "Empties the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N scripts, freed in slices unless SYNC is given",
        .tip_count = 2,
        .tips = doc_script_flush_tips,
        .argument_count = 1,
        .arguments = doc_script_flush_args },
    [CMD_ID_SCRIPT_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "scripting",
        .complexity = "O(1)" },
    [CMD_ID_SCRIPT_KILL] = { .summary = "Ends the script that runs for too long; with UNDO also one that has written.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N keys to undo",
        .tip_count = 2,
        .tips = doc_script_kill_tips },
    [CMD_ID_SCRIPT_LOAD] = { .summary = "Puts a script into the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N bytes of the script",
        .tip_count = 2,
        .tips = doc_script_load_tips,
        .argument_count = 1,
        .arguments = doc_script_load_args },
    [CMD_ID_EVAL] = { .summary = "Runs a script.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on the script.",
        .key_spec_count = 1,
        .key_specs = doc_eval_keys,
        .argument_count = 4,
        .arguments = doc_eval_args },
    [CMD_ID_EVAL_RO] = { .summary = "Runs a script that only reads.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the script.",
        .key_spec_count = 1,
        .key_specs = doc_eval_ro_keys,
        .argument_count = 4,
        .arguments = doc_eval_ro_args },
    [CMD_ID_EVALSHA] = { .summary = "Runs a script of the script cache, by its SHA-1.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on the script.",
        .key_spec_count = 1,
        .key_specs = doc_evalsha_keys,
        .argument_count = 4,
        .arguments = doc_evalsha_args },
    [CMD_ID_EVALSHA_RO] = { .summary = "Runs a script of the script cache that only reads, by its SHA-1.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the script.",
        .key_spec_count = 1,
        .key_specs = doc_evalsha_ro_keys,
        .argument_count = 4,
        .arguments = doc_evalsha_ro_args },
    [CMD_ID_SCRIPT] = { .summary = "Holds the commands about scripts.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on subcommand." },
    [CMD_ID_DBSIZE] = { .summary = "Counts the keys of the database.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_dbsize_tips },
    [CMD_ID_FLUSHDB] = { .summary = "Removes all keys of the database.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1) at once; the memory is freed in slices",
        .tip_count = 2,
        .tips = doc_flushdb_tips,
        .argument_count = 1,
        .arguments = doc_flushdb_args },
    [CMD_ID_FLUSHALL] = { .summary = "Removes all keys of all databases.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1) at once; the memory is freed in slices",
        .tip_count = 2,
        .tips = doc_flushall_tips,
        .argument_count = 1,
        .arguments = doc_flushall_args },
    [CMD_ID_SWAPDB] = { .summary = "Exchanges two databases.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .argument_count = 2,
        .arguments = doc_swapdb_args },
    [CMD_ID_TIME] = { .summary = "Tells the server's clock.",
        .since = "2.6.0",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 1,
        .tips = doc_time_tips },
    [CMD_ID_WAIT] = { .summary = "Waits until replicas have acknowledged the writes so far.",
        .since = "3.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .tip_count = 2,
        .tips = doc_wait_tips,
        .argument_count = 2,
        .arguments = doc_wait_args },
    [CMD_ID_SHUTDOWN] = { .summary = "Stops the server.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) with N keys when it saves, else O(1)",
        .argument_count = 1,
        .arguments = doc_shutdown_args },
    [CMD_ID_SADD] = { .summary = "Adds members to a set; creates it if it is absent.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1) for each member",
        .key_spec_count = 1,
        .key_specs = doc_sadd_keys,
        .argument_count = 2,
        .arguments = doc_sadd_args },
    [CMD_ID_SCARD] = { .summary = "Counts the members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_scard_keys,
        .argument_count = 1,
        .arguments = doc_scard_args },
    [CMD_ID_SISMEMBER] = { .summary = "Tells whether something is a member of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_sismember_keys,
        .argument_count = 2,
        .arguments = doc_sismember_args },
    [CMD_ID_SMEMBERS] = { .summary = "Shows all members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N members",
        .tip_count = 1,
        .tips = doc_smembers_tips,
        .key_spec_count = 1,
        .key_specs = doc_smembers_keys,
        .argument_count = 1,
        .arguments = doc_smembers_args },
    [CMD_ID_SMISMEMBER] = { .summary = "Tells of several whether they are members of a set.",
        .since = "6.2.0",
        .group = "set",
        .complexity = "O(N) with N asked for",
        .key_spec_count = 1,
        .key_specs = doc_smismember_keys,
        .argument_count = 2,
        .arguments = doc_smismember_args },
    [CMD_ID_SMOVE] = { .summary = "Moves a member from one set to another.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .key_spec_count = 2,
        .key_specs = doc_smove_keys,
        .argument_count = 3,
        .arguments = doc_smove_args },
    [CMD_ID_SREM] = { .summary = "Removes members from a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N removed",
        .key_spec_count = 1,
        .key_specs = doc_srem_keys,
        .argument_count = 2,
        .arguments = doc_srem_args },
    [CMD_ID_SDIFF] = { .summary = "Shows the members of the first set that are in none of the others.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N members in all sets",
        .tip_count = 1,
        .tips = doc_sdiff_tips,
        .key_spec_count = 1,
        .key_specs = doc_sdiff_keys,
        .argument_count = 1,
        .arguments = doc_sdiff_args },
    [CMD_ID_SDIFFSTORE] = { .summary = "Stores the members of the first set that are in none of the others.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N members in all sets",
        .key_spec_count = 2,
        .key_specs = doc_sdiffstore_keys,
        .argument_count = 2,
        .arguments = doc_sdiffstore_args },
    [CMD_ID_SINTER] = { .summary = "Shows the members that all sets have.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N*M) with N members of the smallest of M sets",
        .tip_count = 1,
        .tips = doc_sinter_tips,
        .key_spec_count = 1,
        .key_specs = doc_sinter_keys,
        .argument_count = 1,
        .arguments = doc_sinter_args },
    [CMD_ID_SINTERCARD] = { .summary = "Counts the members that all sets have.",
        .since = "7.0.0",
        .group = "set",
        .complexity = "O(N*M) with N members of the smallest of M sets",
        .key_spec_count = 1,
        .key_specs = doc_sintercard_keys,
        .argument_count = 3,
        .arguments = doc_sintercard_args },
    [CMD_ID_SINTERSTORE] = { .summary = "Stores the members that all sets have.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N*M) with N members of the smallest of M sets",
        .key_spec_count = 2,
        .key_specs = doc_sinterstore_keys,
        .argument_count = 2,
        .arguments = doc_sinterstore_args },
    [CMD_ID_SUNION] = { .summary = "Shows the members that any of the sets has.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N members in all sets",
        .tip_count = 1,
        .tips = doc_sunion_tips,
        .key_spec_count = 1,
        .key_specs = doc_sunion_keys,
        .argument_count = 1,
        .arguments = doc_sunion_args },
    [CMD_ID_SUNIONSTORE] = { .summary = "Stores the members that any of the sets has.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N members in all sets",
        .key_spec_count = 2,
        .key_specs = doc_sunionstore_keys,
        .argument_count = 2,
        .arguments = doc_sunionstore_args },
    [CMD_ID_SPOP] = { .summary = "Takes random members from a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N taken",
        .tip_count = 1,
        .tips = doc_spop_tips,
        .key_spec_count = 1,
        .key_specs = doc_spop_keys,
        .argument_count = 2,
        .arguments = doc_spop_args },
    [CMD_ID_SRANDMEMBER] = { .summary = "Shows random members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) with N shown",
        .tip_count = 1,
        .tips = doc_srandmember_tips,
        .key_spec_count = 1,
        .key_specs = doc_srandmember_keys,
        .argument_count = 2,
        .arguments = doc_srandmember_args },
    [CMD_ID_SSCAN] = { .summary = "Iterates over the members of a set.",
        .since = "2.8.0",
        .group = "set",
        .complexity = "O(1) for each call, O(N) for all of N members",
        .tip_count = 1,
        .tips = doc_sscan_tips,
        .key_spec_count = 1,
        .key_specs = doc_sscan_keys,
        .argument_count = 4,
        .arguments = doc_sscan_args },
    [CMD_ID_SLOWLOG_GET] = { .summary = "Shows the latest entries of the log of slow commands.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(N) with N entries shown",
        .tip_count = 2,
        .tips = doc_slowlog_get_tips,
        .argument_count = 1,
        .arguments = doc_slowlog_get_args },
    [CMD_ID_SLOWLOG_HELP] = { .summary = "Lists the subcommands.",
        .since = "6.2.0",
        .group = "server",
        .complexity = "O(1)" },
    [CMD_ID_SLOWLOG_LEN] = { .summary = "Counts the entries of the log of slow commands.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(1)",
        .tip_count = 3,
        .tips = doc_slowlog_len_tips },
    [CMD_ID_SLOWLOG_RESET] = { .summary = "Empties the log of slow commands.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(N) with N entries",
        .tip_count = 2,
        .tips = doc_slowlog_reset_tips },
    [CMD_ID_SLOWLOG] = { .summary = "Holds the commands about the log of slow commands.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "Depends on subcommand." },
    [CMD_ID_SORT] = { .summary = "Sorts a list, set or sorted set, and may store the result.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N + M log M) with N elements, M of them shown",
        .key_spec_count = 3,
        .key_specs = doc_sort_keys,
        .argument_count = 7,
        .arguments = doc_sort_args },
    [CMD_ID_SORT_RO] = { .summary = "Sorts a list, set or sorted set.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = "O(N + M log M) with N elements, M of them shown",
        .key_spec_count = 2,
        .key_specs = doc_sort_ro_keys,
        .argument_count = 6,
        .arguments = doc_sort_ro_args },
    [CMD_ID_XADD] = { .summary = "Appends an entry to a stream; creates it if it is absent.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1); what is trimmed is freed in slices",
        .tip_count = 1,
        .tips = doc_xadd_tips,
        .key_spec_count = 1,
        .key_specs = doc_xadd_keys,
        .argument_count = 5,
        .arguments = doc_xadd_args },
    [CMD_ID_XSETID] = { .summary = "Sets the last ID of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_xsetid_keys,
        .argument_count = 4,
        .arguments = doc_xsetid_args },
    [CMD_ID_XTRIM] = { .summary = "Removes the oldest entries of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N); what is removed is freed in slices",
        .tip_count = 1,
        .tips = doc_xtrim_tips,
        .key_spec_count = 1,
        .key_specs = doc_xtrim_keys,
        .argument_count = 5,
        .arguments = doc_xtrim_args },
    [CMD_ID_XAUTOCLAIM] = { .summary = "Takes over entries that others left unconfirmed, in order.",
        .since = "6.2.0",
        .group = "stream",
        .complexity = "O(N) with N entries looked at",
        .tip_count = 1,
        .tips = doc_xautoclaim_tips,
        .key_spec_count = 1,
        .key_specs = doc_xautoclaim_keys,
        .argument_count = 7,
        .arguments = doc_xautoclaim_args },
    [CMD_ID_XCLAIM] = { .summary = "Takes over named entries that others left unconfirmed.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N) for each entry",
        .tip_count = 1,
        .tips = doc_xclaim_tips,
        .key_spec_count = 1,
        .key_specs = doc_xclaim_keys,
        .argument_count = 11,
        .arguments = doc_xclaim_args },
    [CMD_ID_XGROUP_CREATE] = { .summary = "Makes a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_xgroup_create_keys,
        .argument_count = 5,
        .arguments = doc_xgroup_create_args },
    [CMD_ID_XGROUP_CREATECONSUMER] = { .summary = "Makes a consumer in a group.",
        .since = "6.2.0",
        .group = "stream",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_xgroup_createconsumer_keys,
        .argument_count = 3,
        .arguments = doc_xgroup_createconsumer_args },
    [CMD_ID_XGROUP_DELCONSUMER] = { .summary = "Removes a consumer from a group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N entries it had not confirmed",
        .key_spec_count = 1,
        .key_specs = doc_xgroup_delconsumer_keys,
        .argument_count = 3,
        .arguments = doc_xgroup_delconsumer_args },
    [CMD_ID_XGROUP_DESTROY] = { .summary = "Removes a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1); its lists are freed in slices",
        .key_spec_count = 1,
        .key_specs = doc_xgroup_destroy_keys,
        .argument_count = 2,
        .arguments = doc_xgroup_destroy_args },
    [CMD_ID_XGROUP_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)" },
    [CMD_ID_XGROUP_SETID] = { .summary = "Sets the last ID that a group was given.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_xgroup_setid_keys,
        .argument_count = 4,
        .arguments = doc_xgroup_setid_args },
    [CMD_ID_XGROUP] = { .summary = "Holds the commands about consumer groups.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "Depends on subcommand." },
    [CMD_ID_XINFO_CONSUMERS] = { .summary = "Describes the consumers of a group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N consumers",
        .tip_count = 1,
        .tips = doc_xinfo_consumers_tips,
        .key_spec_count = 1,
        .key_specs = doc_xinfo_consumers_keys,
        .argument_count = 2,
        .arguments = doc_xinfo_consumers_args },
    [CMD_ID_XINFO_GROUPS] = { .summary = "Describes the groups of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N groups",
        .key_spec_count = 1,
        .key_specs = doc_xinfo_groups_keys,
        .argument_count = 1,
        .arguments = doc_xinfo_groups_args },
    [CMD_ID_XINFO_HELP] = { .summary = "Lists the subcommands.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)" },
    [CMD_ID_XINFO_STREAM] = { .summary = "Describes a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1), more with FULL",
        .key_spec_count = 1,
        .key_specs = doc_xinfo_stream_keys,
        .argument_count = 2,
        .arguments = doc_xinfo_stream_args },
    [CMD_ID_XINFO] = { .summary = "Holds the commands that describe streams.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "Depends on subcommand." },
    [CMD_ID_XPENDING] = { .summary = "Shows what a group's consumers have not confirmed.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N shown",
        .tip_count = 1,
        .tips = doc_xpending_tips,
        .key_spec_count = 1,
        .key_specs = doc_xpending_keys,
        .argument_count = 3,
        .arguments = doc_xpending_args },
    [CMD_ID_XLEN] = { .summary = "Counts the entries of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_xlen_keys,
        .argument_count = 1,
        .arguments = doc_xlen_args },
    [CMD_ID_XRANGE] = { .summary = "Shows entries between two IDs.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N + M) with N entries, M of them shown",
        .key_spec_count = 1,
        .key_specs = doc_xrange_keys,
        .argument_count = 4,
        .arguments = doc_xrange_args },
    [CMD_ID_XREVRANGE] = { .summary = "Shows entries between two IDs, the last first.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N + M) with N entries, M of them shown",
        .key_spec_count = 1,
        .key_specs = doc_xrevrange_keys,
        .argument_count = 4,
        .arguments = doc_xrevrange_args },
    [CMD_ID_XREAD] = { .summary = "Shows entries behind the IDs given, or waits for some.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N + M) for each stream",
        .key_spec_count = 1,
        .key_specs = doc_xread_keys,
        .argument_count = 4,
        .arguments = doc_xread_args },
    [CMD_ID_XREADGROUP] = { .summary = "Gives a consumer entries that its group has not seen, or waits for some.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N + M) for each stream",
        .key_spec_count = 1,
        .key_specs = doc_xreadgroup_keys,
        .argument_count = 6,
        .arguments = doc_xreadgroup_args },
    [CMD_ID_XACK] = { .summary = "Confirms entries that a group's consumers were given.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1) for each entry",
        .key_spec_count = 1,
        .key_specs = doc_xack_keys,
        .argument_count = 3,
        .arguments = doc_xack_args },
    [CMD_ID_XDEL] = { .summary = "Removes entries by their IDs.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N) for each entry",
        .key_spec_count = 1,
        .key_specs = doc_xdel_keys,
        .argument_count = 2,
        .arguments = doc_xdel_args },
    [CMD_ID_APPEND] = { .summary = "Adds bytes to the end of a string; creates the key if it is absent.",
        .since = "2.0.0",
        .group = "string",
        .complexity = "O(1) amortised",
        .key_spec_count = 1,
        .key_specs = doc_append_keys,
        .argument_count = 2,
        .arguments = doc_append_args },
    [CMD_ID_GET] = { .summary = "Gives the string at a key.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_get_keys,
        .argument_count = 1,
        .arguments = doc_get_args },
    [CMD_ID_GETDEL] = { .summary = "Gives the string at a key and deletes the key.",
        .since = "6.2.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_getdel_keys,
        .argument_count = 1,
        .arguments = doc_getdel_args },
    [CMD_ID_GETEX] = { .summary = "Gives the string at a key and sets or clears its deadline.",
        .since = "6.2.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_getex_keys,
        .argument_count = 2,
        .arguments = doc_getex_args },
    [CMD_ID_GETRANGE] = { .summary = "Gives a part of the string at a key.",
        .since = "2.4.0",
        .group = "string",
        .complexity = "O(N) with N bytes given back",
        .key_spec_count = 1,
        .key_specs = doc_getrange_keys,
        .argument_count = 3,
        .arguments = doc_getrange_args },
    [CMD_ID_GETSET] = { .summary = "Replaces the string at a key and gives the former one.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .deprecated_since = "6.2.0",
        .replaced_by = "`SET` with the `!GET` argument",
        .key_spec_count = 1,
        .key_specs = doc_getset_keys,
        .argument_count = 2,
        .arguments = doc_getset_args },
    [CMD_ID_MGET] = { .summary = "Gives the strings at several keys at one moment.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(N) with N keys",
        .tip_count = 1,
        .tips = doc_mget_tips,
        .key_spec_count = 1,
        .key_specs = doc_mget_keys,
        .argument_count = 1,
        .arguments = doc_mget_args },
    [CMD_ID_MSET] = { .summary = "Sets several keys at one moment.",
        .since = "1.0.1",
        .group = "string",
        .complexity = "O(N) with N keys",
        .tip_count = 2,
        .tips = doc_mset_tips,
        .key_spec_count = 1,
        .key_specs = doc_mset_keys,
        .argument_count = 1,
        .arguments = doc_mset_args },
    [CMD_ID_MSETNX] = { .summary = "Sets several keys at one moment if none of them exists.",
        .since = "1.0.1",
        .group = "string",
        .complexity = "O(N) with N keys",
        .key_spec_count = 1,
        .key_specs = doc_msetnx_keys,
        .argument_count = 1,
        .arguments = doc_msetnx_args },
    [CMD_ID_PSETEX] = { .summary = "Sets a key to a string with a time to live in milliseconds.",
        .since = "2.6.0",
        .group = "string",
        .complexity = "O(1)",
        .deprecated_since = "2.6.12",
        .replaced_by = "`SET` with the `PX` argument",
        .key_spec_count = 1,
        .key_specs = doc_psetex_keys,
        .argument_count = 3,
        .arguments = doc_psetex_args },
    [CMD_ID_SET] = { .summary = "Sets a key to a string, whatever it held before.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_set_keys,
        .argument_count = 5,
        .arguments = doc_set_args },
    [CMD_ID_SETEX] = { .summary = "Sets a key to a string with a time to live in seconds.",
        .since = "2.0.0",
        .group = "string",
        .complexity = "O(1)",
        .deprecated_since = "2.6.12",
        .replaced_by = "`SET` with the `EX` argument",
        .key_spec_count = 1,
        .key_specs = doc_setex_keys,
        .argument_count = 3,
        .arguments = doc_setex_args },
    [CMD_ID_SETNX] = { .summary = "Sets a key to a string if it does not exist.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .deprecated_since = "2.6.12",
        .replaced_by = "`SET` with the `NX` argument",
        .key_spec_count = 1,
        .key_specs = doc_setnx_keys,
        .argument_count = 2,
        .arguments = doc_setnx_args },
    [CMD_ID_SETRANGE] = { .summary = "Overwrites a part of the string at a key.",
        .since = "2.2.0",
        .group = "string",
        .complexity = "O(N) with N bytes written",
        .key_spec_count = 1,
        .key_specs = doc_setrange_keys,
        .argument_count = 3,
        .arguments = doc_setrange_args },
    [CMD_ID_STRLEN] = { .summary = "Tells the length of the string at a key.",
        .since = "2.2.0",
        .group = "string",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_strlen_keys,
        .argument_count = 1,
        .arguments = doc_strlen_args },
    [CMD_ID_SUBSTR] = { .summary = "Gives a part of the string at a key.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(N) with N bytes given back",
        .deprecated_since = "2.0.0",
        .replaced_by = "`GETRANGE`",
        .key_spec_count = 1,
        .key_specs = doc_substr_keys,
        .argument_count = 3,
        .arguments = doc_substr_args },
    [CMD_ID_MULTI] = { .summary = "Opens a transaction.",
        .since = "1.2.0",
        .group = "transactions",
        .complexity = "O(1)" },
    [CMD_ID_EXEC] = { .summary = "Runs the commands of the transaction.",
        .since = "1.2.0",
        .group = "transactions",
        .complexity = "Depends on the commands." },
    [CMD_ID_DISCARD] = { .summary = "Drops the transaction.",
        .since = "2.0.0",
        .group = "transactions",
        .complexity = "O(N) with N queued commands" },
    [CMD_ID_WATCH] = { .summary = "Lets the next EXEC do nothing if one of these keys changes before.",
        .since = "2.2.0",
        .group = "transactions",
        .complexity = "O(N) with N keys",
        .key_spec_count = 1,
        .key_specs = doc_watch_keys,
        .argument_count = 1,
        .arguments = doc_watch_args },
    [CMD_ID_UNWATCH] = { .summary = "Forgets all watched keys.",
        .since = "2.2.0",
        .group = "transactions",
        .complexity = "O(N) with N watched keys" },
    [CMD_ID_ZADD] = { .summary = "Adds members with scores to a sorted set, or changes scores.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(log N) for each member",
        .key_spec_count = 1,
        .key_specs = doc_zadd_keys,
        .argument_count = 6,
        .arguments = doc_zadd_args },
    [CMD_ID_ZCARD] = { .summary = "Counts the members of a sorted set.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_zcard_keys,
        .argument_count = 1,
        .arguments = doc_zcard_args },
    [CMD_ID_ZCOUNT] = { .summary = "Counts the members within a range of scores.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_zcount_keys,
        .argument_count = 3,
        .arguments = doc_zcount_args },
    [CMD_ID_ZINCRBY] = { .summary = "Adds to the score of a member; creates it if it is absent.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_zincrby_keys,
        .argument_count = 3,
        .arguments = doc_zincrby_args },
    [CMD_ID_ZLEXCOUNT] = { .summary = "Counts the members within a range of names.",
        .since = "2.8.9",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_zlexcount_keys,
        .argument_count = 3,
        .arguments = doc_zlexcount_args },
    [CMD_ID_ZMSCORE] = { .summary = "Shows the scores of several members.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(N) with N asked for",
        .key_spec_count = 1,
        .key_specs = doc_zmscore_keys,
        .argument_count = 2,
        .arguments = doc_zmscore_args },
    [CMD_ID_ZRANK] = { .summary = "Tells the rank of a member, from the lowest score.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_zrank_keys,
        .argument_count = 3,
        .arguments = doc_zrank_args },
    [CMD_ID_ZREM] = { .summary = "Removes members from a sorted set.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(M log N) with M removed",
        .key_spec_count = 1,
        .key_specs = doc_zrem_keys,
        .argument_count = 2,
        .arguments = doc_zrem_args },
    [CMD_ID_ZREVRANK] = { .summary = "Tells the rank of a member, from the highest score.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_zrevrank_keys,
        .argument_count = 3,
        .arguments = doc_zrevrank_args },
    [CMD_ID_ZSCORE] = { .summary = "Shows the score of a member.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(1)",
        .key_spec_count = 1,
        .key_specs = doc_zscore_keys,
        .argument_count = 2,
        .arguments = doc_zscore_args },
    [CMD_ID_ZDIFF] = { .summary = "Shows the members of the first sorted set that are in none of the others.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(N) with N members in all sets",
        .key_spec_count = 1,
        .key_specs = doc_zdiff_keys,
        .argument_count = 3,
        .arguments = doc_zdiff_args },
    [CMD_ID_ZDIFFSTORE] = { .summary = "Stores the members of the first sorted set that are in none of the others.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(N log N) with N members in all sets",
        .key_spec_count = 2,
        .key_specs = doc_zdiffstore_keys,
        .argument_count = 3,
        .arguments = doc_zdiffstore_args },
    [CMD_ID_ZINTER] = { .summary = "Shows the members that all sorted sets have.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(N*K + M log M) with N members of the smallest of K, M of them shown",
        .key_spec_count = 1,
        .key_specs = doc_zinter_keys,
        .argument_count = 5,
        .arguments = doc_zinter_args },
    [CMD_ID_ZINTERCARD] = { .summary = "Counts the members that all sorted sets have.",
        .since = "7.0.0",
        .group = "sorted_set",
        .complexity = "O(N*K) with N members of the smallest of K",
        .key_spec_count = 1,
        .key_specs = doc_zintercard_keys,
        .argument_count = 3,
        .arguments = doc_zintercard_args },
    [CMD_ID_ZINTERSTORE] = { .summary = "Stores the members that all sorted sets have.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(N*K + M log M) with N members of the smallest of K, M of them stored",
        .key_spec_count = 2,
        .key_specs = doc_zinterstore_keys,
        .argument_count = 5,
        .arguments = doc_zinterstore_args },
    [CMD_ID_ZUNION] = { .summary = "Shows the members that any of the sorted sets has.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(N + M log M) with N members in all sets, M of them different",
        .key_spec_count = 1,
        .key_specs = doc_zunion_keys,
        .argument_count = 5,
        .arguments = doc_zunion_args },
    [CMD_ID_ZUNIONSTORE] = { .summary = "Stores the members that any of the sorted sets has.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(N + M log M) with N members in all sets, M of them different",
        .key_spec_count = 2,
        .key_specs = doc_zunionstore_keys,
        .argument_count = 5,
        .arguments = doc_zunionstore_args },
    [CMD_ID_BZMPOP] = { .summary = "Takes members from the first sorted set that has some, or waits.",
        .since = "7.0.0",
        .group = "sorted_set",
        .complexity = "O(K + M log N) with K keys and M members",
        .key_spec_count = 1,
        .key_specs = doc_bzmpop_keys,
        .argument_count = 5,
        .arguments = doc_bzmpop_args },
    [CMD_ID_BZPOPMAX] = { .summary = "Takes the member with the highest score, or waits for one.",
        .since = "5.0.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_bzpopmax_keys,
        .argument_count = 2,
        .arguments = doc_bzpopmax_args },
    [CMD_ID_BZPOPMIN] = { .summary = "Takes the member with the lowest score, or waits for one.",
        .since = "5.0.0",
        .group = "sorted_set",
        .complexity = "O(log N)",
        .key_spec_count = 1,
        .key_specs = doc_bzpopmin_keys,
        .argument_count = 2,
        .arguments = doc_bzpopmin_args },
    [CMD_ID_ZMPOP] = { .summary = "Takes members from the first sorted set that has some.",
        .since = "7.0.0",
        .group = "sorted_set",
        .complexity = "O(K + M log N) with K keys and M members",
        .key_spec_count = 1,
        .key_specs = doc_zmpop_keys,
        .argument_count = 4,
        .arguments = doc_zmpop_args },
    [CMD_ID_ZPOPMAX] = { .summary = "Takes the members with the highest scores.",
        .since = "5.0.0",
        .group = "sorted_set",
        .complexity = "O(M log N) with M taken",
        .key_spec_count = 1,
        .key_specs = doc_zpopmax_keys,
        .argument_count = 2,
        .arguments = doc_zpopmax_args },
    [CMD_ID_ZPOPMIN] = { .summary = "Takes the members with the lowest scores.",
        .since = "5.0.0",
        .group = "sorted_set",
        .complexity = "O(M log N) with M taken",
        .key_spec_count = 1,
        .key_specs = doc_zpopmin_keys,
        .argument_count = 2,
        .arguments = doc_zpopmin_args },
    [CMD_ID_ZRANDMEMBER] = { .summary = "Shows random members of a sorted set.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(M log N) with M shown",
        .tip_count = 1,
        .tips = doc_zrandmember_tips,
        .key_spec_count = 1,
        .key_specs = doc_zrandmember_keys,
        .argument_count = 2,
        .arguments = doc_zrandmember_args },
    [CMD_ID_ZRANGE] = { .summary = "Shows a range of members by rank, score or name.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .key_spec_count = 1,
        .key_specs = doc_zrange_keys,
        .argument_count = 7,
        .arguments = doc_zrange_args },
    [CMD_ID_ZRANGEBYLEX] = { .summary = "Shows the members within a range of names.",
        .since = "2.8.9",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_zrangebylex_keys,
        .argument_count = 4,
        .arguments = doc_zrangebylex_args },
    [CMD_ID_ZRANGEBYSCORE] = { .summary = "Shows the members within a range of scores.",
        .since = "1.0.5",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_zrangebyscore_keys,
        .argument_count = 5,
        .arguments = doc_zrangebyscore_args },
    [CMD_ID_ZRANGESTORE] = { .summary = "Stores a range of members in another sorted set.",
        .since = "6.2.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M stored",
        .key_spec_count = 2,
        .key_specs = doc_zrangestore_keys,
        .argument_count = 7,
        .arguments = doc_zrangestore_args },
    [CMD_ID_ZREVRANGE] = { .summary = "Shows a range of members by rank, the highest first.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_zrevrange_keys,
        .argument_count = 4,
        .arguments = doc_zrevrange_args },
    [CMD_ID_ZREVRANGEBYLEX] = { .summary = "Shows the members within a range of names, the last first.",
        .since = "2.8.9",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_zrevrangebylex_keys,
        .argument_count = 4,
        .arguments = doc_zrevrangebylex_args },
    [CMD_ID_ZREVRANGEBYSCORE] = { .summary = "Shows the members within a range of scores, the highest first.",
        .since = "2.2.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M shown",
        .deprecated_since = "6.2.0",
        .replaced_by = NULL,
        .key_spec_count = 1,
        .key_specs = doc_zrevrangebyscore_keys,
        .argument_count = 5,
        .arguments = doc_zrevrangebyscore_args },
    [CMD_ID_ZREMRANGEBYLEX] = { .summary = "Removes the members within a range of names.",
        .since = "2.8.9",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M removed",
        .key_spec_count = 1,
        .key_specs = doc_zremrangebylex_keys,
        .argument_count = 3,
        .arguments = doc_zremrangebylex_args },
    [CMD_ID_ZREMRANGEBYRANK] = { .summary = "Removes the members within a range of ranks.",
        .since = "2.0.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M removed",
        .key_spec_count = 1,
        .key_specs = doc_zremrangebyrank_keys,
        .argument_count = 3,
        .arguments = doc_zremrangebyrank_args },
    [CMD_ID_ZREMRANGEBYSCORE] = { .summary = "Removes the members within a range of scores.",
        .since = "1.2.0",
        .group = "sorted_set",
        .complexity = "O(log N + M) with M removed",
        .key_spec_count = 1,
        .key_specs = doc_zremrangebyscore_keys,
        .argument_count = 3,
        .arguments = doc_zremrangebyscore_args },
    [CMD_ID_ZSCAN] = { .summary = "Iterates over the members of a sorted set.",
        .since = "2.8.0",
        .group = "sorted_set",
        .complexity = "O(1) for each call, O(N) for all of N members",
        .tip_count = 1,
        .tips = doc_zscan_tips,
        .key_spec_count = 1,
        .key_specs = doc_zscan_keys,
        .argument_count = 5,
        .arguments = doc_zscan_args },
};
