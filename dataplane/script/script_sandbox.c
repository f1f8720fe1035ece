// The closed world: which names there are, and tables that show what they have and cannot be
// changed. Debian's Lua has no read-only tables. A sealed table is an empty one whose metatable
// leads to the real one, which no script ever gets to hold: what reads or writes without asking
// metatables (next, rawset, table.insert, ...) is replaced in script_base.c by what knows of it.
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

// Places in a seal's metatable. The mark is an address that no script can make a value of.
enum { SEAL_REAL = 1, SEAL_META = 2, SEAL_MARK = 3 };
static const char seal_mark;

static void *mark(void) { return (void *)(uintptr_t)&seal_mark; }

int script_raise_readonly(lua_State *L, bool with_place)
{
    if (with_place)
        luaL_where(L, 1);
    else
        lua_pushliteral(L, "");
    lua_pushliteral(L, "Attempt to modify a readonly table");
    lua_concat(L, 2);
    return lua_error(L);
}

static int refuse_write(lua_State *L) { return script_raise_readonly(L, true); }

void script_table_seal(lua_State *L, int meta)
{
    int real = lua_gettop(L);
    lua_newtable(L);
    lua_createtable(L, 3, 2);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, real);
    lua_rawseti(L, -2, SEAL_REAL);
    if (meta) {
        lua_pushvalue(L, meta);
        lua_rawseti(L, -2, SEAL_META);
    }
    lua_pushlightuserdata(L, mark());
    lua_rawseti(L, -2, SEAL_MARK);
    lua_setmetatable(L, -2);
    lua_replace(L, real);
}

// Pushes a place of the seal's metatable; pushes nothing when it is no sealed table.
static bool push_place(lua_State *L, int index, int place)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return false;
    lua_rawgeti(L, -1, SEAL_MARK);
    bool is_sealed = lua_touserdata(L, -1) == mark();
    lua_pop(L, 1);
    if (is_sealed && place) {
        lua_rawgeti(L, -1, place);
        lua_remove(L, -2);
    } else {
        lua_pop(L, 1);
    }
    return is_sealed;
}

bool script_table_unseal(lua_State *L, int index) { return push_place(L, index, SEAL_REAL); }
bool script_table_push_meta(lua_State *L, int index) { return push_place(L, index, SEAL_META); }
bool script_table_is_sealed(lua_State *L, int index) { return push_place(L, index, 0); }

void script_set_functions(lua_State *L, const struct script_function_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_pushcfunction(L, rows[i].function);
        lua_setfield(L, -2, rows[i].name);
    }
}

static int refuse_unknown(lua_State *L)
{
    if (lua_gettop(L) != 2)
        return luaL_error(L, "Wrong number of arguments to luaProtectedTableError");
    if (!lua_isstring(L, -1) && !lua_isnumber(L, -1))
        return luaL_error(L,
                          "Second argument to luaProtectedTableError must be a string or number");
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'",
                      lua_tostring(L, -1));
}

// The table at the top raises for what it lacks. Pushes what getmetatable shall show of it.
void script_table_make_strict(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_unknown);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_setmetatable(L, -3);
    script_table_seal(L, 0);
}

static void open_library(lua_State *L, lua_CFunction open, const char *name)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

static bool is_kept(const char *name)
{
    static const char *const kept[] = {
        "_G",
        "_VERSION",
        "assert",
        "bit",
        "cjson",
        "cmsgpack",
        "collectgarbage",
        "math",
        "coroutine",
        "error",
        "gcinfo",
        "getmetatable",
        "ipairs",
        "load",
        "next",
        "pairs",
        "pcall",
        "rawequal",
        "rawget",
        "rawset",
        "loadstring",
        "redis",
        "select",
        "os",
        "string",
        "struct",
        "table",
        "setmetatable",
        "type",
        "tonumber",
        "unpack",
        "xpcall",
        "tostring",
        "__redis__err__handler",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(kept[i], name) == 0) return true;
    return false;
}

// Of the globals on the top.
static void drop_unknown(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING && is_kept(lua_tostring(L, -1))) continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4); // a field may be cleared under way
    }
}

// Of the globals on the top: every table but they themselves.
static void seal_tables(lua_State *L)
{
    int globals = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, globals)) {
        if (lua_istable(L, -1) && !lua_rawequal(L, -1, globals)) {
            script_table_seal(L, 0);
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, globals);
        } else {
            lua_pop(L, 1);
        }
    }
}

static int clock_only(lua_State *L)
{
    lua_getfield(L, -1, "os");
    lua_getfield(L, -1, "clock");
    lua_newtable(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "clock");
    lua_setfield(L, -3, "os");
    lua_pop(L, 1);
    return 0;
}

// What getmetatable("") shows: {__index = string}. The real one is out of reach.
static void seal_string_meta(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_getfield(L, -2, "string");
    lua_setfield(L, -2, "__index");
    script_table_seal(L, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, SCRIPT_REF_STRING_META);
}

static void open_libraries(lua_State *L)
{
    open_library(L, luaopen_base, "");
    open_library(L, luaopen_table, LUA_TABLIBNAME);
    open_library(L, luaopen_string, LUA_STRLIBNAME);
    open_library(L, luaopen_math, LUA_MATHLIBNAME);
    open_library(L, luaopen_os, LUA_OSLIBNAME);
    open_library(L, luaopen_bit, "bit");
}

void script_sandbox_open(struct script_host *h)
{
    lua_State *L = h->lua;
    open_libraries(L);
    lua_pushcfunction(L, script_error_handler);
    lua_rawseti(L, LUA_REGISTRYINDEX, SCRIPT_REF_HANDLER);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    clock_only(L);
    script_open_base(h);
    script_open_text(h);
    script_open_math(h);
    script_open_cjson(h);
    script_open_msgpack(h);
    script_open_struct(h);
    script_open_redis(h);
    drop_unknown(L);
    seal_tables(L);
    seal_string_meta(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SCRIPT_REF_GLOBALS);
    // From here on the globals of every chunk are the sealed table, and so is _G.
    int real = lua_gettop(L);
    lua_pushvalue(L, real);
    script_table_make_strict(L);
    lua_insert(L, -2);
    script_table_seal(L, lua_gettop(L) - 1);
    lua_getmetatable(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SCRIPT_REF_GLOBALS_META);
    lua_pushvalue(L, -1);
    lua_setfield(L, real, "_G");
    lua_replace(L, LUA_GLOBALSINDEX);
    if (h->kind == SCRIPT_KIND_FUNCTIONS) script_open_load(h);
    lua_settop(L, 0);
}
