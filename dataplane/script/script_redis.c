// The table "redis": what scripts and functions ask of the server.
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/script/script_priv.h"

enum { NUMBER_CHARS_MAX = 40 };
static const char redis_version[] = "7.2.4";
enum { REDIS_VERSION_NUM = 7 << 16 | 2 << 8 | 4 };

void script_push_error(lua_State *L, struct bytes text)
{
    struct bytes code = BYTES_LITERAL("ERR");
    if (text.size > 0 && text.data[0] == '-') {
        // "-CODE text", or "-text".
        text.data++;
        text.size--;
        const uint8_t *blank = memchr(text.data, ' ', text.size);
        if (blank) {
            code = bytes_make(text.data, (size_t)(blank - text.data));
            text.size -= code.size + 1;
            text.data = blank + 1;
        }
    }
    while (text.size > 0 && (text.data[0] == '\r' || text.data[0] == '\n')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == '\r' || text.data[text.size - 1] == '\n'))
        text.size--;
    lua_createtable(L, 0, 4); // err, source, line, ignore_error_stats_update
    lua_pushliteral(L, "err");
    lua_pushlstring(L, (const char *)code.data, code.size);
    lua_pushliteral(L, " ");
    lua_pushlstring(L, (const char *)text.data, text.size);
    lua_concat(L, 3);
    lua_rawset(L, -3);
}

int script_raise(lua_State *L, const char *text)
{
    script_push_error(L, bytes_text(text));
    return lua_error(L);
}

// Numbers as Redis 7.2 passes them to commands: whole ones plainly, others in the shortest form
// that reads back.
static uint32_t number_text(char *out, lua_Number value)
{
    if (value >= -4611686018427387904.0 && value <= 4611686018427387904.0 &&
        (lua_Number)(int64_t)value == value)
        return num_format_int(out, (int64_t)value);
    if (value != value) {
        bool is_negative = __builtin_signbit(value);
        memcpy(out, "-nan", 4);
        if (!is_negative) memcpy(out, "nan", 3);
        return is_negative ? 4 : 3;
    }
    return num_format_double(out, value);
}

// The arguments on the stack as a command's; they stay there, and alive. False: one of them is no
// text, or there are none; the error is pushed.
static bool gather_args(struct script_host *h, lua_State *L, uint32_t *argc)
{
    int count = lua_gettop(L);
    *argc = (uint32_t)count;
    if (count == 0) {
        script_push_error(
            L, BYTES_LITERAL("Please specify at least one argument for this redis lib call"));
        return false;
    }
    if ((uint32_t)count > h->args_capacity) {
        h->args = heap_resize(h->heap, h->args, h->args_capacity * sizeof *h->args,
                              (size_t)count * sizeof *h->args, HEAP_SCRIPTS);
        h->args_capacity = (uint32_t)count;
    }
    h->scratch.size = 0;
    char *numbers =
        (char *)script_buffer_room(h->heap, &h->scratch, (size_t)count * NUMBER_CHARS_MAX);
    for (int i = 0; i < count; i++) {
        int type = lua_type(L, i + 1);
        size_t size = 0;
        const char *text = numbers;
        if (type == LUA_TSTRING) {
            text = lua_tolstring(L, i + 1, &size);
        } else if (type == LUA_TNUMBER) {
            size = number_text(numbers, lua_tonumber(L, i + 1));
            numbers += size;
        } else {
            lua_settop(L, 0);
            script_push_error(
                L, BYTES_LITERAL("Lua redis lib command arguments must be strings or integers"));
            return false;
        }
        h->args[i] = bytes_make(text, size);
    }
    return true;
}

static int run_command(lua_State *L, bool is_raising)
{
    struct script_host *h = script_host_of(L);
    uint32_t argc;
    if (!h->call)
        return script_raise(L, "redis.call/pcall can only be called inside a script invocation");
    if (!gather_args(h, L, &argc)) return is_raising ? lua_error(L) : 1;
    h->ops->command(h->context, h->args, argc, script_capture_begin(&h->capture, h->resp));
    lua_settop(L, 0);
    bool is_fine = script_push_wire(L, script_capture_end(&h->capture));
    script_capture_clear(&h->capture);
    return is_fine || !is_raising ? 1 : lua_error(L);
}

static int redis_call(lua_State *L) { return run_command(L, true); }
static int redis_pcall(lua_State *L) { return run_command(L, false); }

static int redis_acl_check_cmd(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    uint32_t argc;
    if (!h->call)
        return script_raise(L, "redis.acl_check_cmd can only be called inside a script invocation");
    if (!gather_args(h, L, &argc)) return lua_error(L);
    enum script_acl acl = h->ops->acl_check(h->context, h->args, argc);
    if (acl == SCRIPT_ACL_UNKNOWN_COMMAND)
        return script_raise(L, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(L, acl == SCRIPT_ACL_ALLOWED);
    return 1;
}

static bool has_one_string(lua_State *L)
{
    if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING) return true;
    script_push_error(L, BYTES_LITERAL("wrong number or type of arguments"));
    return false;
}

static int redis_error_reply(lua_State *L)
{
    if (!has_one_string(L)) return 1;
    const char *text = lua_tostring(L, 1);
    if (text[0] != '-') text = lua_pushfstring(L, "-%s", text);
    script_push_error(L, bytes_text(text));
    return 1;
}

static int redis_status_reply(lua_State *L)
{
    if (!has_one_string(L)) return 1;
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "ok");
    return 1;
}

static int redis_sha1hex(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    char hex[SCRIPT_SHA_CHARS];
    size_t size = 0;
    if (lua_gettop(L) != 1) return script_raise(L, "wrong number of arguments");
    const char *text = lua_tolstring(L, 1, &size); // what is no text counts as an empty one
    h->ops->sha1hex(h->context, bytes_make(text ? text : "", size), hex);
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}

static int redis_setresp(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    if (lua_gettop(L) != 1) return script_raise(L, "redis.setresp() requires one argument.");
    lua_Number version = lua_tonumber(L, 1);
    if (!(version >= 2 && version < 4)) return script_raise(L, "RESP version must be 2 or 3.");
    h->resp = (uint8_t)version;
    return 0;
}

static int redis_set_repl(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    if (!h->call)
        return script_raise(L, "redis.set_repl can only be called inside a script invocation");
    if (lua_gettop(L) != 1) return script_raise(L, "redis.set_repl() requires one argument.");
    lua_Number mask = lua_tonumber(L, 1);
    if (!(mask > -1 && mask < SCRIPT_REPL_ALL + 1))
        return script_raise(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or "
                               "REPL_NONE.");
    h->ops->set_repl(h->context, (unsigned)(int)mask);
    return 0;
}

static int redis_log(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    int count = lua_gettop(L);
    if (count < 2) return script_raise(L, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(L, 1)) return script_raise(L, "First argument must be a number (log level).");
    lua_Number level = lua_tonumber(L, 1);
    if (!(level > -1 && level < SCRIPT_LOG_WARNING + 1))
        return script_raise(L, "Invalid log level.");
    h->scratch.size = 0;
    for (int i = 2; i <= count; i++) {
        size_t size;
        const char *text = lua_tolstring(L, i, &size);
        if (!text) continue;
        if (i > 2) script_buffer_append(h->heap, &h->scratch, BYTES_LITERAL(" "));
        script_buffer_append(h->heap, &h->scratch, bytes_make(text, size));
    }
    h->ops->log(h->context, (enum script_log_level)level,
                bytes_make(h->scratch.data, h->scratch.size));
    script_buffer_trim(h->heap, &h->scratch);
    return 0;
}

// Single commands have been the only way of replication since Redis 7.0.
static int redis_replicate_commands(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

// There is no debugger to stop in, or to tell.
static int redis_breakpoint(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}

static int redis_debug(lua_State *L) { return 0; }

struct number_row {
    const char *name;
    int value;
};

static void set_numbers(lua_State *L, const struct number_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(L, rows[i].value);
        lua_setfield(L, -2, rows[i].name);
    }
}

void script_open_log(lua_State *L)
{
    static const struct number_row numbers[] = {
        { "LOG_DEBUG", SCRIPT_LOG_DEBUG },          { "LOG_VERBOSE", SCRIPT_LOG_VERBOSE },
        { "LOG_NOTICE", SCRIPT_LOG_NOTICE },        { "LOG_WARNING", SCRIPT_LOG_WARNING },
        { "REDIS_VERSION_NUM", REDIS_VERSION_NUM },
    };
    set_numbers(L, numbers, sizeof numbers / sizeof *numbers);
    lua_pushstring(L, redis_version);
    lua_setfield(L, -2, "REDIS_VERSION");
    lua_pushcfunction(L, redis_log);
    lua_setfield(L, -2, "log");
}

void script_open_redis(struct script_host *h)
{
    static const struct script_function_row common[] = {
        { "call", redis_call },
        { "pcall", redis_pcall },
        { "error_reply", redis_error_reply },
        { "status_reply", redis_status_reply },
        { "sha1hex", redis_sha1hex },
        { "setresp", redis_setresp },
        { "set_repl", redis_set_repl },
        { "acl_check_cmd", redis_acl_check_cmd },
    };
    static const struct script_function_row eval_only[] = {
        { "replicate_commands", redis_replicate_commands },
        { "breakpoint", redis_breakpoint },
        { "debug", redis_debug },
    };
    static const struct number_row numbers[] = {
        { "REPL_NONE", SCRIPT_REPL_NONE },       { "REPL_AOF", SCRIPT_REPL_AOF },
        { "REPL_REPLICA", SCRIPT_REPL_REPLICA }, { "REPL_SLAVE", SCRIPT_REPL_REPLICA },
        { "REPL_ALL", SCRIPT_REPL_ALL },
    };
    lua_State *L = h->lua;
    lua_newtable(L);
    SCRIPT_SET_FUNCTIONS(L, common);
    if (h->kind == SCRIPT_KIND_EVAL) SCRIPT_SET_FUNCTIONS(L, eval_only);
    set_numbers(L, numbers, sizeof numbers / sizeof *numbers);
    script_open_log(L);
    lua_setfield(L, -2, "redis");
    if (h->kind == SCRIPT_KIND_EVAL) {
        lua_pushcfunction(L, script_error_handler);
        lua_setfield(L, -2, "__redis__err__handler");
    }
}
