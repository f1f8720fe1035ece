// Debian's lua-cjson behind guards. Its buffers count in int and come from malloc, and it ends the
// process when they overflow: so what is encoded is measured first, and buffers that grew large are
// given back.
#include "dataplane/script/script_priv.h"

enum {
    // Of what it may write, by our estimate; its buffer doubles from 1023, which then fits an int.
    JSON_BYTES_MAX = 1024 * 1024 * 1024,
    JSON_KEEP_BYTES = 1024 * 1024,
    JSON_VALUE_BYTES = 40, // a number with its separator is shorter
    JSON_NULL_BYTES = 5,
    JSON_DEPTH_MAX = 8000, // Lua's limit of a C function's stack ends it before
    JSON_SPARSE_KEY = 1024,
};

// Upvalues of the guards; the first one is where the library looks for its settings.
enum { UP_SETTINGS = 1, UP_KEEP_BUFFER, UP_SPARSE_ARRAY };

struct measure {
    lua_State *L;
    uint64_t bytes;
    uint32_t depth;
};

static void measure_value(struct measure *m);

static void check_size(struct measure *m)
{
    if (m->bytes > JSON_BYTES_MAX) luaL_error(m->L, "Cannot serialise, result is too large");
}

// Holes of an array become nulls, as many as the settings allow.
static void measure_holes(struct measure *m, lua_Number last, lua_Number count)
{
    lua_State *L = m->L;
    if (last <= JSON_SPARSE_KEY || last <= 2 * count || last > INT32_MAX) return;
    lua_pushvalue(L, lua_upvalueindex(UP_SPARSE_ARRAY));
    lua_call(L, 0, 3);
    lua_Number ratio = lua_tonumber(L, -2), safe = lua_tonumber(L, -1);
    lua_pop(L, 3);
    // Otherwise it is an object or refused.
    if (ratio <= 0 || last <= count * ratio || last <= safe)
        m->bytes += (uint64_t)last * JSON_NULL_BYTES;
    check_size(m);
}

static void measure_table(struct measure *m)
{
    lua_State *L = m->L;
    lua_Number last = 0, count = 0;
    if (script_table_is_sealed(L, -1)) // every one of them holds functions
        luaL_error(L, "Cannot serialise function: type not supported");
    // Deeper ones are its own to refuse: it looks no further either.
    if (m->depth >= JSON_DEPTH_MAX || !lua_checkstack(L, 6)) return;
    m->depth++;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            m->bytes += 6 * (uint64_t)lua_objlen(L, -2);
        } else if (lua_type(L, -2) == LUA_TNUMBER) {
            if (lua_tonumber(L, -2) > last) last = lua_tonumber(L, -2);
            count++;
        }
        measure_value(m);
    }
    m->depth--;
    measure_holes(m, last, count);
}

// A string's byte takes six at most.
static void measure_value(struct measure *m)
{
    m->bytes += JSON_VALUE_BYTES;
    if (lua_type(m->L, -1) == LUA_TSTRING) m->bytes += 6 * (uint64_t)lua_objlen(m->L, -1);
    check_size(m);
    if (lua_istable(m->L, -1)) measure_table(m);
}

// Switched off and on again it frees what it kept; a script may have it off.
static void drop_buffer(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(UP_KEEP_BUFFER));
    lua_call(L, 0, 1);
    bool is_kept = lua_toboolean(L, -1);
    lua_pop(L, 1);
    for (int keep = 0; is_kept && keep < 2; keep++) {
        lua_pushvalue(L, lua_upvalueindex(UP_KEEP_BUFFER));
        lua_pushboolean(L, keep);
        lua_call(L, 1, 0);
    }
}

static int guarded_encode(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    struct measure m = { .L = L };
    if (lua_gettop(L) == 1) measure_value(&m);
    int count = h->cjson_encode(L);
    if (lua_objlen(L, -1) > JSON_KEEP_BYTES) drop_buffer(L);
    return count;
}

// Refused memory would leave its buffer behind, so while it runs none is refused; the hook sets the
// limit again when an error takes another way out.
static int guarded_decode(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    bool was_protected = h->is_protected;
    if (lua_isstring(L, 1) && lua_objlen(L, 1) > SCRIPT_BLOCK_BYTES_MAX)
        return luaL_error(L, "JSON text is too large");
    h->is_protected = false;
    int count = h->cjson_decode(L);
    h->is_protected = was_protected;
    return count;
}

static void guard(lua_State *L);

static int guarded_new(lua_State *L)
{
    int count = script_host_of(L)->cjson_new(L);
    guard(L);
    return count;
}

// Of the module on the top: puts a guard before name; returns what was there.
static lua_CFunction guard_one(lua_State *L, const char *name, lua_CFunction by)
{
    lua_getfield(L, -1, name);
    lua_CFunction original = lua_tocfunction(L, -1);
    lua_getupvalue(L, -1, UP_SETTINGS);
    lua_getfield(L, -3, "encode_keep_buffer");
    lua_getfield(L, -4, "encode_sparse_array");
    lua_pushcclosure(L, by, 3);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
    return original;
}

static void guard(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    h->cjson_encode = guard_one(L, "encode", guarded_encode);
    h->cjson_decode = guard_one(L, "decode", guarded_decode);
    // It has no settings of its own: they are made anew.
    lua_getfield(L, -1, "new");
    h->cjson_new = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    lua_pushcfunction(L, guarded_new);
    lua_setfield(L, -2, "new");
}

void script_open_cjson(struct script_host *h)
{
    lua_State *L = h->lua;
    lua_pushcfunction(L, luaopen_cjson);
    lua_call(L, 0, 1);
    guard(L);
    lua_setfield(L, -2, "cjson");
}
