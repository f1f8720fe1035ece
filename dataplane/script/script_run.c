// Running: what goes in, what may end it, and what it leaves.
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

// Makes a table of any error value, and says where it was raised. Where that was a C function, its
// caller is the place.
int script_error_handler(lua_State *L)
{
    lua_Debug where;
    bool is_known = false;
    lua_settop(L, 1);
    for (int level = 1; level <= 2 && !is_known; level++) {
        if (!lua_getstack(L, level, &where)) break;
        lua_getinfo(L, "Sl", &where);
        is_known = level == 2 || where.what[0] != 'C';
    }
    if (!lua_istable(L, 1)) {
        const char *text = lua_tostring(L, 1);
        lua_createtable(L, 0, 3);
        if (text)
            lua_pushfstring(L, "ERR %s", text);
        else if (lua_isboolean(L, 1))
            lua_pushstring(L, lua_toboolean(L, 1) ? "ERR true" : "ERR false");
        else if (lua_isnil(L, 1))
            lua_pushliteral(L, "ERR nil");
        else
            lua_pushfstring(L, "ERR %s: %p", luaL_typename(L, 1), lua_topointer(L, 1));
        lua_setfield(L, 2, "err");
        lua_replace(L, 1);
    }
    if (is_known && !script_table_is_sealed(L, 1)) {
        lua_pushliteral(L, "source");
        lua_pushstring(L, where.source);
        lua_rawset(L, 1);
        lua_pushliteral(L, "line");
        lua_pushinteger(L, where.currentline);
        lua_rawset(L, 1);
    }
    return 1;
}

static void hook_at_leisure(lua_State *L)
{
    lua_sethook(L, script_hook, LUA_MASKCOUNT, SCRIPT_POLL_INSTRUCTIONS);
}

// Once killed, every line and instruction raises: no pcall of the script can hold that for long.
void script_hook(lua_State *L, lua_Debug *debug)
{
    struct script_host *h = script_host_of(L);
    h->is_protected = true;
    // A coroutine that was made while another run was being ended.
    if (!h->killed && lua_gethookcount(L) != SCRIPT_POLL_INSTRUCTIONS) hook_at_leisure(L);
    script_poll(L);
}

void script_poll(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    if (!h->killed) h->killed = h->ops->poll(h->context);
    if (!h->killed) return;
    lua_sethook(L, script_hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
    lua_checkstack(L, 8);
    lua_pushfstring(L, "-%s", h->killed);
    script_push_error(L, bytes_text(lua_tostring(L, -1)));
    lua_error(L);
}

static void push_texts(lua_State *L, const struct bytes *texts, uint32_t count)
{
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushlstring(L, (const char *)texts[i].data, texts[i].size);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

// As Redis: some collecting at the end of every so many runs, beside what Lua does by itself.
static void collect_some(struct script_host *h)
{
    if (h->gc_is_touched) {
        lua_gc(h->lua, LUA_GCSETPAUSE, 200);
        lua_gc(h->lua, LUA_GCSETSTEPMUL, 200);
        lua_gc(h->lua, LUA_GCRESTART, 0);
        h->gc_is_touched = false;
    }
    if (h->was_refused) { // Lua waits until its memory has doubled: the next one would fail too
        lua_gc(h->lua, LUA_GCCOLLECT, 0);
        h->was_refused = false;
    }
    if (++h->gc_runs < SCRIPT_GC_RUNS) return;
    h->gc_runs = 0;
    lua_gc(h->lua, LUA_GCSTEP, SCRIPT_GC_RUNS);
}

static enum script_end write_failure(struct script_host *h, struct bytes name, struct reply *reply)
{
    lua_State *L = h->lua;
    struct script_failure failure;
    if (h->killed && !lua_istable(L, -1)) {
        reply_error_bytes(reply, bytes_text(h->killed));
        return SCRIPT_KILLED;
    }
    if (!lua_istable(L, -1)) { // no memory: Lua does not ask the handler then
        const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "execution failure";
        reply_error_bytes(reply, script_host_error(h, "ERR Error running script %.*s, %.100s",
                                                   (int)name.size, (const char *)name.data, text));
        return SCRIPT_FAILED;
    }
    script_failure_read(L, &failure);
    struct bytes text = bytes_text(failure.text);
    if (failure.source && failure.line)
        text = script_host_error(h, "%s script: %.*s, on %s:%s.", failure.text, (int)name.size,
                                 (const char *)name.data, failure.source, failure.line);
    uint32_t count = reply->error_count;
    reply_error_bytes(reply, text);
    if (h->killed) return SCRIPT_KILLED;
    if (!failure.is_counted) return SCRIPT_FAILED;
    reply->error_count = count;
    return SCRIPT_FAILED_COUNTED;
}

static void begin(struct script_host *h, const struct script_call *call)
{
    CHECK(!h->call && !h->load);
    h->call = call;
    h->killed = NULL;
    h->resp = 2;
    CHECK(lua_gettop(h->lua) == 0);
    lua_rawgeti(h->lua, LUA_REGISTRYINDEX, SCRIPT_REF_HANDLER);
}

static enum script_end finish(struct script_host *h, int status, struct bytes name)
{
    lua_State *L = h->lua;
    struct reply *reply = h->call->reply;
    enum script_end end = SCRIPT_RETURNED;
    h->is_protected = false;
    script_capture_clear(&h->capture); // an error may have left something
    if (h->killed) hook_at_leisure(L);
    if (status) {
        end = write_failure(h, name, reply);
    } else if (h->killed) { // it came to its end before the next instruction could raise
        reply_error_bytes(reply, bytes_text(h->killed));
        end = SCRIPT_KILLED;
    } else {
        script_write_reply(h, L, reply);
    }
    lua_settop(L, 0);
    h->call = NULL;
    h->killed = NULL;
    script_buffer_trim(h->heap, &h->scratch);
    collect_some(h);
    return end;
}

static void set_global_texts(lua_State *L, const char *name, const struct bytes *texts,
                             uint32_t count)
{
    lua_pushstring(L, name);
    push_texts(L, texts, count);
    lua_rawset(L, -3);
}

enum script_end script_run(struct script_host *h, const struct script *script,
                           const struct script_call *call)
{
    lua_State *L = h->lua;
    CHECK(h->kind == SCRIPT_KIND_EVAL);
    begin(h, call);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SCRIPT_REF_GLOBALS);
    set_global_texts(L, "KEYS", call->keys, call->key_count);
    set_global_texts(L, "ARGV", call->args, call->arg_count);
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script_callback(script));
    h->is_protected = true;
    int status = lua_pcall(L, 0, 1, 1);
    return finish(h, status, bytes_make(script->sha, SCRIPT_SHA_CHARS));
}

enum script_end script_function_run(struct script_host *h, const struct script_function *function,
                                    const struct script_call *call)
{
    lua_State *L = h->lua;
    CHECK(h->kind == SCRIPT_KIND_FUNCTIONS);
    begin(h, call);
    lua_rawgeti(L, LUA_REGISTRYINDEX, function->callback);
    push_texts(L, call->keys, call->key_count);
    push_texts(L, call->args, call->arg_count);
    h->is_protected = true;
    int status = lua_pcall(L, 2, 1, 1);
    return finish(h, status, function->name);
}
