// Lua's base functions that would see behind a sealed table, or do harm; what they say is Lua's.
#include <limits.h>
#include "dataplane/script/script_priv.h"

// Replaces a sealed table at index by what is behind it: only to be read, and not to be given away.
static void unseal_at(lua_State *L, int index)
{
    if (script_table_unseal(L, index)) lua_replace(L, index);
}

static int base_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    unseal_at(L, 1);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

static int base_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(1)); // our next
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int base_rawget(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    unseal_at(L, 1);
    lua_rawget(L, 1);
    return 1;
}

static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (script_table_is_sealed(L, 1)) return script_raise_readonly(L, false);
    lua_rawset(L, 1);
    return 1;
}

static int base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, SCRIPT_REF_STRING_META);
        return 1;
    }
    // Userdata (cjson's null is a light one) show none; the metatables of other types are unset.
    if (lua_type(L, 1) != LUA_TTABLE) {
        lua_pushnil(L);
        return 1;
    }
    if (script_table_push_meta(L, 1)) return 1;
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_getmetafield(L, 1, "__metatable"); // pushes nothing when there is none
    return 1;
}

static int base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
    if (script_table_is_sealed(L, 1)) return script_raise_readonly(L, false);
    if (luaL_getmetafield(L, 1, "__metatable"))
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

// Lua 5.1's own counts in int and may overflow.
static int base_unpack(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int64_t first = luaL_optint(L, 2, 1);
    int64_t last = lua_isnoneornil(L, 3) ? (int64_t)lua_objlen(L, 1) : luaL_checkint(L, 3);
    if (first > last) return 0;
    int64_t count = last - first + 1;
    if (count > INT_MAX || !lua_checkstack(L, (int)count))
        return luaL_error(L, "too many results to unpack");
    for (int64_t i = first; i <= last; i++) lua_rawgeti(L, 1, (int)i);
    return (int)count;
}

// As Redis has it: where an error is a table as redis.call raises it, scripts get its text, which
// is what they got before there were such tables.
static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0)) {
        lua_remove(L, 1);
        if (lua_istable(L, -1)) {
            lua_getfield(L, -1, "err");
            if (lua_isstring(L, -1)) lua_replace(L, -2);
        }
        lua_pushboolean(L, 0);
        lua_insert(L, 1);
    }
    return lua_gettop(L);
}

// An error that the hook raises finds its handler while hooks are off: the script's own could run
// for good. One that is being ended has no say any more.
static int handle_error(lua_State *L)
{
    if (script_host_of(L)->killed) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (lua_isfunction(L, 2)) lua_pushcclosure(L, handle_error, 1);
    lua_insert(L, 1);
    int status = lua_pcall(L, 0, LUA_MULTRET, 1);
    lua_pushboolean(L, status == 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

// The knobs it turns are turned back when the script ends.
static int base_collectgarbage(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    h->gc_is_touched = true;
    return h->collectgarbage(L);
}

static int table_insert(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    bool is_sealed = script_table_is_sealed(L, 1);
    int end = (int)lua_objlen(L, 1) + 1, at = end;
    if (lua_gettop(L) == 3) {
        at = luaL_checkint(L, 2);
        if (is_sealed) return script_raise_readonly(L, false);
        if (at > end) end = at;
        uint64_t step = 0;
        for (int i = end; i > at; i--) {
            script_tick(L, step++);
            lua_rawgeti(L, 1, i - 1);
            lua_rawseti(L, 1, i);
        }
    } else if (lua_gettop(L) != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    if (is_sealed) return script_raise_readonly(L, false);
    lua_rawseti(L, 1, at);
    return 0;
}

static int table_foreach(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    unseal_at(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 2)) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -3);
        lua_call(L, 2, 1);
        if (!lua_isnil(L, -1)) return 1;
    }
    return 0;
}

void script_open_base(struct script_host *h)
{
    static const struct script_function_row base[] = {
        { "next", base_next },
        { "rawget", base_rawget },
        { "rawset", base_rawset },
        { "getmetatable", base_getmetatable },
        { "setmetatable", base_setmetatable },
        { "unpack", base_unpack },
        { "pcall", base_pcall },
        { "xpcall", base_xpcall },
    };
    static const struct script_function_row table[] = {
        { "insert", table_insert },
        { "foreach", table_foreach },
    };
    lua_State *L = h->lua;
    lua_getfield(L, -1, "collectgarbage");
    h->collectgarbage = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    lua_pushcfunction(L, base_collectgarbage);
    lua_setfield(L, -2, "collectgarbage");
    SCRIPT_SET_FUNCTIONS(L, base);
    lua_getfield(L, -1, "next");
    lua_pushcclosure(L, base_pairs, 1);
    lua_setfield(L, -2, "pairs");
    lua_getfield(L, -1, "table");
    SCRIPT_SET_FUNCTIONS(L, table);
    lua_pop(L, 1);
}
