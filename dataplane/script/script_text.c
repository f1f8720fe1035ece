// Text that becomes code (load, loadstring: never bytecode), patterns that are too deep for a C
// stack, and repetitions too long for anything.
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

// Lua's matcher calls itself once per repeated item; a level takes some 80 bytes of C stack.
enum { PATTERN_REPEATS_MAX = 10000 };

struct source {
    struct bytes pieces[2];
    uint32_t at;
};

static const char *source_read(lua_State *L, void *data, size_t *size)
{
    struct source *s = data;
    while (s->at < 2 && s->pieces[s->at].size == 0) s->at++;
    if (s->at == 2) return NULL;
    *size = s->pieces[s->at].size;
    return (const char *)s->pieces[s->at++].data;
}

// Pushes the function, or the error's text. Two things are kept from Lua here: a first byte that
// would make it read bytecode (behind a blank it is text like any other, and wrong), and collecting
// garbage while it parses: its parser leaves the chunk's name where the collector may take it
// (CVE-2025-49844).
bool script_compile(struct script_host *h, lua_State *L, struct bytes code, const char *name)
{
    bool is_binary = code.size > 0 && code.data[0] == (uint8_t)LUA_SIGNATURE[0];
    struct source s = { { is_binary ? BYTES_LITERAL(" ") : (struct bytes){ 0 }, code }, 0 };
    lua_gc(L, LUA_GCSTOP, 0);
    int status = lua_load(L, source_read, &s, name);
    lua_gc(L, LUA_GCRESTART, 0);
    return status == 0;
}

static int compile_string(lua_State *L, int index, const char *name)
{
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    if (script_compile(script_host_of(L), L, bytes_make(text, size), name)) return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int text_loadstring(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    return compile_string(L, 1, luaL_optstring(L, 2, text));
}

// The reader is called to its end before anything is parsed: so nothing runs inside the parser.
static int read_pieces(lua_State *L)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (;;) {
        luaL_checkstack(L, 2, "too many nested functions");
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1)) break;
        if (!lua_isstring(L, -1)) {
            luaL_where(L, 2); // behind load itself
            lua_pushliteral(L, "reader function must return a string");
            lua_concat(L, 2);
            return lua_error(L);
        }
        if (lua_objlen(L, -1) == 0) break;
        luaL_addvalue(&b);
    }
    lua_pop(L, 1);
    luaL_pushresult(&b);
    return 1;
}

static int text_load(lua_State *L)
{
    const char *name = luaL_optstring(L, 2, "=(load)");
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, read_pieces, 1);
    if (lua_pcall(L, 0, 1, 0) == 0) return compile_string(L, lua_gettop(L), name);
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static void check_pattern(lua_State *L)
{
    size_t size, repeats = 0;
    const char *pattern = lua_tolstring(L, 2, &size);
    if (!pattern || size <= PATTERN_REPEATS_MAX) return;
    for (size_t i = 0; i < size; i++)
        repeats += pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '-' || pattern[i] == '?';
    if (repeats > PATTERN_REPEATS_MAX) luaL_error(L, "pattern too complex");
}

static int text_find(lua_State *L)
{
    // A plain search has no pattern.
    if (!lua_toboolean(L, 4)) check_pattern(L);
    return script_host_of(L)->string_find(L);
}

static int text_match(lua_State *L)
{
    check_pattern(L);
    return script_host_of(L)->string_match(L);
}

static int text_gmatch(lua_State *L)
{
    check_pattern(L);
    return script_host_of(L)->string_gmatch(L);
}

static int text_gsub(lua_State *L)
{
    check_pattern(L);
    return script_host_of(L)->string_gsub(L);
}

// Lua's own appends piece by piece, however little a piece is, and out of reach of the hook.
static int text_rep(lua_State *L)
{
    size_t size;
    luaL_checklstring(L, 1, &size);
    int count = luaL_checkint(L, 2);
    if (size == 0 || count <= 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (size > SCRIPT_BLOCK_BYTES_MAX / (size_t)count)
        return luaL_error(L, "resulting string too large");
    return script_host_of(L)->string_rep(L);
}

static lua_CFunction take_function(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    lua_CFunction function = lua_tocfunction(L, -1);
    CHECK(function);
    lua_pop(L, 1);
    return function;
}

void script_open_text(struct script_host *h)
{
    static const struct script_function_row base[] = {
        { "load", text_load },
        { "loadstring", text_loadstring },
    };
    static const struct script_function_row string[] = {
        { "find", text_find },    { "match", text_match }, { "gmatch", text_gmatch },
        { "gfind", text_gmatch }, { "gsub", text_gsub },   { "rep", text_rep },
    };
    lua_State *L = h->lua;
    SCRIPT_SET_FUNCTIONS(L, base);
    lua_getfield(L, -1, "string");
    h->string_find = take_function(L, "find");
    h->string_match = take_function(L, "match");
    h->string_gmatch = take_function(L, "gmatch");
    h->string_gsub = take_function(L, "gsub");
    h->string_rep = take_function(L, "rep");
    SCRIPT_SET_FUNCTIONS(L, string);
    lua_pop(L, 1);
}
