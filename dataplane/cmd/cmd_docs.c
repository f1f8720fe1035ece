// Made by tools/command_docs.py from the rows of dataplane/cmd and the facts in commands.tsv; not edited
// by hand.
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"

// clang-format off
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

const struct command_docs command_docs[COMMAND_COUNT] = {
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
    [CMD_ID_LCS] = { .summary = "Finds the longest common subsequence of two strings.",
        .since = "7.0.0",
        .group = "string",
        .complexity = "O(N*M) with strings of N and M bytes",
        .key_spec_count = 1,
        .key_specs = doc_lcs_keys,
        .argument_count = 6,
        .arguments = doc_lcs_args },
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
    [CMD_ID_SHUTDOWN] = { .summary = "Stops the server.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) with N keys when it saves, else O(1)",
        .argument_count = 1,
        .arguments = doc_shutdown_args },
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
};
