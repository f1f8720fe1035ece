"""Commands of the group scripting, for oracle.py: scripts made of random pieces, with flags, errors and conversions, and
libraries of functions.

Left out, or reduced, because 7.2 and 7.0 differ or because two servers cannot agree on it:
  SCRIPT HELP, FUNCTION HELP   texts of our own
  SCRIPT DEBUG                 no debugger here; 7.0 refuses it within a pipeline
  FUNCTION LIST                libraries, and functions within one, come in each server's own order
  FUNCTION DUMP                likewise, and payloads name the version: it is restored at once
  OBJECT ENCODING              7.0 has no listpack lists and sets
  blocking commands, WAIT      may be called by scripts in 7.2, and answer at once
  arguments such as 0.1        become the shortest text in 7.2
  redis.log of a level 9       another text in 7.2
  TIME                         stands still within a script in 7.2
  error({})                    ends redis-server 7.0
"""
import re

from oracle import Command, Group, any_case
from penstock import decode

KEYS = ['s1', 's2', 's3', 'list', 'set', 'hash', 'zset', 'num', 'absent']
# What a script returns, or gives to a command: every Lua type, and what becomes of it.
VALUES = [
    '1', '-1', '3.99', '-3.99', '1e15', '2^53', '0/0', '1/0', '"text"', '""', '"a\\0b"', 'true', 'false', 'nil', '{}', '{1,2,3}',
    '{1,nil,3}', '{1,{2,{3}}}', '{ok="fine"}', '{ok="two\\r\\nlines"}', '{err="ERR mine"}', '{err="CODE mine"}', '{err="no code"}',
    '{err=""}', 'redis.error_reply("mine")', 'redis.error_reply("-CODE mine")', 'redis.error_reply("")', 'redis.status_reply("fine")',
    'redis.status_reply("")', '{double=3.5}', '{map={a=1}}', '{set={a=true}}', '{big_number={format="x"}}', '{big_number="123456789012345678901234567890"}',
    '{verbatim_string={format="txt",string="hello"}}', 'KEYS', 'ARGV', 'KEYS[1]', 'ARGV[1]', '#ARGV', 'print', 'function() end',
    'redis.sha1hex("")', 'redis.sha1hex(ARGV[1])', 'tostring(nil)', 'type(redis.call)', 'redis.setresp', 'redis.LOG_WARNING', 'redis.REPL_ALL',
    'cjson.encode({1,2,{a="b"}})', 'cjson.decode("[1,2,{\\"a\\":[true,false,null]}]")[3].a[1]', 'cjson.decode("x")', 'cmsgpack.unpack(cmsgpack.pack({1,"a",2.5}))',
    'struct.pack(">I2", 258)', 'struct.unpack(">I2", "\\1\\2")', 'bit.band(12, 10)', 'bit.tohex(255)', 'string.rep("ab", 3)', 'table.concat({1,2}, "-")',
    'math.floor(3.7)', 'tonumber("0x10")', 'tonumber("x")', '#"abc"', '10 % 3', '"1" + 1', 'string.format("%5.2f", 3.14159)', 'unpack({1,2})',
    'loadstring("return 7")()', 'pcall(error, "x")', 'select("#", 1, 2)', 'next({})', 'rawget(_G, "x")', 'string.byte("a")',
]
CALLS = [
    '"get", KEYS[1]', '"set", KEYS[1], ARGV[1]', '"incr", "num"', '"incr", KEYS[1]', '"append", KEYS[1], "x"', '"strlen", KEYS[1]', '"del", KEYS[1]',
    '"lpush", "list", ARGV[1]', '"lrange", "list", 0, -1', '"lpop", "list"', '"llen", "list"', '"sadd", "set", 1, 2, 3', '"scard", "set"', '"sismember", "set", 2',
    '"hset", "hash", "f", ARGV[1]', '"hget", "hash", "f"', '"hmget", "hash", "f", "g"', '"hgetall", "hash"', '"zadd", "zset", 1.5, "a"',
    '"zrange", "zset", 0, -1, "withscores"', '"zscore", "zset", "a"', '"zscore", "zset", "nosuch"', '"exists", KEYS[1]', '"type", KEYS[1]', '"expire", KEYS[1], 1000',
    '"persist", KEYS[1]', '"mget", "s1", "absent", "s2"', '"select", 1', '"select", 99', '"get"', '"nosuch"', '"nosuch", 1', '"GET", KEYS[1]', '"client", "id"', '"client", "nosuch"', '"multi"',
    '"echo", ARGV[1]', '"ping"', '"dbsize"', '"eval", "return 1", 0', '"script", "flush"', '"config", "get", "x"',
    '"xadd", "stream", "1-1", "f", "v"', '"xrange", "stream", "-", "+"', '"xread", "streams", "stream", "$"', '"setrange", KEYS[1], 3, "x"',
    '"incrbyfloat", "num", 1.5', '"set", "num", 3', '"set", KEYS[1], 3.0', '"set", KEYS[1], 1e20', '"set", KEYS[1]', '"rename", KEYS[1], "s3"', '"copy", KEYS[1], "s2"',
    '', 'nil', '{}', 'true', '"get", {}', '1', '"sort", "list", "alpha"', '"getset", KEYS[1], ARGV[1]', '"lcs", "s1", "s2"', '"smembers", "absent"', '"watch", KEYS[1]', '"subscribe", "x"',
    '"acl", "whoami"', '"debug", "sleep", 0', '"flushdb"', '"shutdown"', '"hello", 3',
]
SHEBANGS = ['#!lua', '#!lua flags=no-writes', '#!lua flags=allow-oom,no-cluster', '#!lua flags=nosuch', '#!lua nosuch=1', '#!nosuch', '#!lua name=x', '#!lua flags=', '#! lua', '#!lua  flags=allow-stale',
            '#!lua flags=no-writes flags=allow-oom', '#!']
BROKEN = ['return', 'return return', 'x =', 'nosuch()', 'a = 1', 'return a', 'error("x")', 'error({err="CODE x"})', 'error()', 'error("x", 0)', 'return redis.nosuch', 'redis.call = 1',
          'string.x = 1', 'return setmetatable(_G, {})', 'KEYS[1] = "x" return KEYS[1]', 'local t = {} t.t = t return #t', 'return getmetatable("").__index', 'return io', 'dofile("x")',
          'return require("x")', 'return debug', 'return load', 'assert(false)', 'assert(false, "why")', 'assert(nil, {err="x"})', '\x1bLua', 'return "\xff"', 'for i = 1, 10 do local x = i end', 'goto x',
          'redis.setresp(4)', 'redis.set_repl(9)', 'redis.log(redis.LOG_DEBUG, "x")', 'redis.log()', 'redis.replicate_commands()', 'return redis.replicate_commands()', 'redis.breakpoint()',
          'return redis.REDIS_VERSION_NUM ~= nil', 'return redis.acl_check_cmd("get", "x")', 'return redis.acl_check_cmd("nosuch")', 'redis.acl_check_cmd()', 'redis.register_function("x", print)', 'rawset(_G, "x", 1)',
          'return {redis.pcall("incr", "s1"), 1}', 'return redis.pcall("nosuch").err', 'redis.pcall()', 'return pcall(redis.call, "nosuch")', 'error(redis.pcall("nosuch"))',
          'redis.setresp(3) return redis.call("hgetall", "hash")', 'redis.setresp(3) return redis.call("zscore", "zset", "a")', 'redis.setresp(3) return redis.call("get", "absent")',
          'redis.setresp(3) return redis.call("zrange", "zset", 0, -1, "withscores")', 'redis.setresp(3) return redis.call("smembers", "absent")', 'redis.setresp(3) return true', 'redis.setresp(3) return redis.call("debug", "protocol", "map")']
LIBRARIES = {
    'lib1': ['redis.register_function("f1", function(k, a) return redis.call("set", k[1], a[1]) end)',
             'redis.register_function{function_name="g1", callback=function(k, a) return redis.call("get", k[1]) end, flags={"no-writes"}, description="reads"}'],
    'lib2': ['redis.register_function("f2", function(k, a) return {#k, #a} end)', 'redis.register_function("F1", function() return "other" end)',
             'local function x() return redis.call("incr", "num") end redis.register_function("h2", x)'],
    'lib3': ['redis.register_function("f3", function() return redis.nosuch() end)', 'redis.register_function("f3", print)', 'redis.register_function()', 'redis.register_function("a b", print)',
             'redis.register_function("x", 1)', 'redis.register_function{function_name="x", callback=print, flags={"nosuch"}}', 'redis.register_function{nosuch=1}', 'redis.call("get", "x")', 'x = 1', 'error("load")',
             'redis.register_function{function_name="e3", callback=function() error("e") end}', 'return 1', 'nosuch()'],
}
HEADS = ['#!lua name={}', '#!LUA name={}', '#!lua nosuch={}', '#!nosuch name={}', '#!lua', 'name={}', '#!lua name={} name=x', '#!lua name={}x-']
FUNCTIONS = ['f1', 'F1', 'g1', 'f2', 'h2', 'f3', 'e3', 'nosuch', '']


def libraries(reply):
    """FUNCTION LIST without an order."""
    if not isinstance(reply, list):
        return repr(reply)
    def plain(library):
        fields = dict(zip(library[::2], library[1::2])) if isinstance(library, list) else dict(library)
        functions = [sorted(repr(item) for item in (f if isinstance(f, list) else sorted(f.items()))) for f in fields.pop(b'functions')]
        return sorted(map(repr, functions)), sorted(map(repr, fields.items()))
    return sorted(map(repr, map(plain, reply)))


def list_libraries(*options):
    return lambda connection: libraries(decode(connection.call_raw('FUNCTION', 'LIST', *options)))


def dump_and_restore(how):
    def run(connection):
        payload = decode(connection.call_raw('FUNCTION', 'DUMP'))
        reply = connection.call_raw('FUNCTION', 'RESTORE', payload, *how)
        return re.sub(rb'Library \S+', b'Library x', reply), list_libraries('WITHCODE')(connection)
    return run


class Scripts(Group):
    name = 'scripts'

    def keys_and_arguments(self):
        r = self.rng
        keys = [r.choice(KEYS) for _ in range(r.choice([1, 1, 1, 2, 0]))]
        count = len(keys) if r.random() < 0.95 else r.choice(['x', '-1', '99', '', '1.0'])
        return [count] + keys + [r.choice(['v', '5', '', 'a\0b', '-7', '1.5']) for _ in range(r.choice([1, 1, 2, 0]))]

    def statement(self):
        r = self.rng
        call = 'redis.%s(%s)' % ('call' if r.random() < 0.7 else 'pcall', r.choice(CALLS))
        return r.choice(['%s', 'local x = %s', 'local x = %s', 'if %s then end']) % call if r.random() < 0.9 else 'local y = %s' % r.choice(VALUES)

    def body(self):
        r = self.rng
        kind = r.random()
        if kind < 0.15:
            return r.choice(BROKEN)
        if kind < 0.35:
            return 'return ' + r.choice(VALUES)
        if kind < 0.6:
            return 'return redis.%s(%s)' % (r.choice(['call', 'pcall']), r.choice(CALLS))
        lines = [self.statement() for _ in range(r.randrange(1, 4))]
        lines.append('return ' + r.choice(VALUES + ['redis.call(%s)' % r.choice(CALLS)] * 10))
        text = r.choice([' ', '\n']).join(lines)
        return r.choice(SHEBANGS) + '\n' + text if r.random() < 0.15 else text

    def eval(self):
        r = self.rng
        name = r.choice(['EVAL', 'EVAL', 'EVAL', 'EVAL_RO'])
        return Command(any_case(r, name), self.body(), *self.keys_and_arguments())

    def by_sha(self):
        r = self.rng
        body, words, name = self.body(), self.keys_and_arguments(), r.choice(['EVALSHA', 'EVALSHA_RO'])

        def run(connection):
            loaded = connection.call_raw('SCRIPT', 'LOAD', body)
            sha = decode(loaded) if loaded[:1] == b'$' else b'0' * 40
            return loaded, connection.call_raw(name, sha, *words), connection.call_raw('SCRIPT', 'EXISTS', sha, 'x', sha.upper())
        return Command(name, body, *words, run=run)

    def function(self):
        r = self.rng
        kind = r.random()
        if kind < 0.35:
            library = r.choice(list(LIBRARIES))
            parts = [part for part in LIBRARIES[library] if r.random() < 0.5]
            head = HEADS[0] if r.random() < 0.85 else r.choice(HEADS)
            code = head.format(library) + r.choice(['\n', '\n', '\n\n', ' ']) + '\n'.join(parts)
            return Command('FUNCTION', 'LOAD', *r.choice([[], ['REPLACE'], ['REPLACE'], ['replace', 'replace'], ['nosuch']]), code)
        if kind < 0.75:
            return Command(any_case(r, r.choice(['FCALL', 'FCALL', 'FCALL_RO'])), r.choice(FUNCTIONS), *self.keys_and_arguments())
        if kind < 0.8:
            return Command('FUNCTION', 'DELETE', r.choice(['lib1', 'lib2', 'lib3', 'LIB1', '']))
        if kind < 0.9:
            options = r.choice([[], ['WITHCODE'], ['LIBRARYNAME', 'lib[12]'], ['libraryname', 'LIB*', 'withcode'], ['LIBRARYNAME'], ['nosuch'], ['WITHCODE', 'WITHCODE']])
            return Command('FUNCTION', 'LIST', *options, run=list_libraries(*options))
        if kind < 0.95:
            how = r.choice([[], ['FLUSH'], ['APPEND'], ['REPLACE'], ['nosuch'], ['FLUSH', 'x']])
            return Command('FUNCTION', 'RESTORE', *how, run=dump_and_restore(how))
        return Command('FUNCTION', *r.choice([['STATS'], ['FLUSH'], ['FLUSH', 'SYNC'], ['FLUSH', 'async'], ['FLUSH', 'x'], ['FLUSH', 'sync', 'x'], ['KILL'], ['nosuch'], [],
                                              ['RESTORE', 'x'], ['RESTORE', '', 'flush'], ['DELETE']]))

    def around(self):
        r = self.rng
        return Command(*r.choice([['SCRIPT', 'FLUSH'], ['SCRIPT', 'FLUSH', 'SYNC'], ['SCRIPT', 'FLUSH', 'x'], ['SCRIPT', 'FLUSH', 'async', 'x'], ['SCRIPT', 'KILL'], ['SCRIPT', 'nosuch'], ['SCRIPT'],
                                  ['SCRIPT', 'EXISTS'], ['SCRIPT', 'EXISTS', 'x', ''], ['EVALSHA', 'x', 0], ['EVALSHA', '0' * 40, 'x'],
                                  ['EVAL'], ['EVAL', 'return 1'], ['SET', 's1', 'abc'], ['SET', 'num', '10'], ['DEL', 's1', 's2', 's3'], ['DEL', 'list', 'set', 'hash', 'zset', 'stream', 'num'], ['SELECT', '0'],
                                  ['GET', 's1'], ['GET', 'num'], ['DBSIZE'], ['LRANGE', 'list', '0', '-1']]))

    def next(self):
        kind = self.rng.random()
        if kind < 0.6:
            return self.eval()
        if kind < 0.7:
            return self.by_sha()
        return self.function() if kind < 0.9 else self.around()
