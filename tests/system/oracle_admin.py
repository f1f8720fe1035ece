"""Commands of the groups connection and server, for oracle.py.

Left out, or reduced, because 7.2 and 7.0 differ or because two servers cannot agree on it:
  HELLO              the version and the number of the connection are each server's own
  HELLO (NOAUTH)     7.2 names <proto> in its text
  CLIENT LIST, INFO  ages, buffers and numbers are each server's own: the names of the fields are compared, without
                     those that 7.2 added (lib-name, lib-ver)
  CLIENT ... flags=   7.2's RESET takes NO-EVICT away, 7.0's does not
  CLIENT SETINFO, NO-TOUCH and KILL MAXAGE came after 7.0
  COMMAND GETKEYS    with a command alone: 7.2 takes it, 7.0 misses an argument
  COMMAND INFO       rows that 7.2 changed (see NEWER), and the order of sets; DOCS has texts of our own
  CONFIG             only directives that both have and that may be changed at any time without harm; the texts
                     of enumerations that 7.2 extended are left out
  CONFIG notify-keyspace-events: Redis does not show n beside A, so that CONFIG GET cannot be set again
  INFO               values are each server's own; which fields there are is for the unit tests
"""
from oracle import Command, Group, any_case
from penstock import decode

SETTINGS = {  # name -> values, good and bad; the first is the one that is put back
    # None that the few keys here would exceed: redis-server would evict, which comes with the other types.
    'maxmemory': ['0', '100mb', '1GB', '900000000', '', '-1', '5%', 'x', '1 gb', '1048576kB'],
    'maxmemory-policy': ['noeviction', 'ALLKEYS-LRU', 'volatile-ttl', 'allkeys', ''],
    'maxmemory-clients': ['0', '5%', '100%', '101%', '-1%', '1mb', 'x%', ''],
    'timeout': ['0', '100', '-1', '2147483647', '2147483648', 'abc', '', '1.5'],
    'hash-max-listpack-entries': ['512', '0', '-1', 'x', '100'],
    'hash-max-ziplist-value': ['64', '1kb', '-1', 'x'],
    'list-max-listpack-size': ['-2', '-5', '128', 'x', '2147483648'],
    'set-max-intset-entries': ['512', '1', '-1'],
    'slowlog-log-slower-than': ['10000', '-1', '-2', 'x'],
    'slowlog-max-len': ['128', '0', '-1'],
    'latency-monitor-threshold': ['0', '10', '-1'],
    'notify-keyspace-events': ['', 'KEA', 'Ex', 'g$lshzxetd', 'KEg$lshzxetdm', 'Knx', 'q', 'A', 'mK'],
    'lfu-log-factor': ['10', '0', '-1', 'x'],
    'lfu-decay-time': ['1', '0', '-1'],
    'save': ['', '900 1', '900 1 300 10', '900', '0 1', '1 -1', 'x y', '3600 1'],
    'appendfsync': ['everysec', 'always', 'no', 'sometimes'],
    'repl-timeout': ['60', '1', '0'],
    'replica-priority': ['100', '0', '-1'],
    'slave-priority': ['100', '7'],
    'replica-serve-stale-data': ['yes', 'no', 'maybe', 'YES'],
    'lazyfree-lazy-user-del': ['yes', 'no', '1'],
    'client-output-buffer-limit': ['normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60', 'normal 0 0 0', 'replica 256mb 64mb 60', 'pubsub 32mb 8mb 60', 'slave 1 2 3', 'normal 0 0',
                                   'foo 0 0 0', 'normal x 0 0', 'normal 0 0 -1', 'normal 0 0 0 pubsub 1mb 2mb 3', ''],
    'oom-score-adj-values': ['0 200 800', '1 2', '', '0 200 800 1'],
    'databases': ['16', '3'], 'dir': ['/tmp'], 'no-such-directive': ['1'], 'DATABASES': ['1'], 'unixsocket': ['x'],
    'tcp-backlog': ['511'], 'user': ['x'], 'rename-command': ['a b'],
}
HOST_SETTINGS = (b'dir', b'unixsocket', b'DATABASES')  # each server has its own
PATTERNS = ['maxmemory', 'MAXMEMORY-POLICY', 'maxmemory*', 'slave-pri*', 'replica-prio*', 'no-such*', 'timeou?', '[t]imeout', 'lfu-*',
            'key-load-delay', 'key-load-*', 'user', 'rename-command', 'hash-max-*', '', 'appendfsync', 'lazyfree-lazy-user-del']
NAMES = ['get', 'SET', 'mset', 'del', 'copy', 'rename', 'object', 'object|encoding', 'object|help', 'client|id', 'client|kill', 'ping',
         'nosuch', 'config|nosuch', 'dbsize', 'swapdb', 'type', 'lcs', 'expire', 'append', 'incrbyfloat', 'hello', 'select', '', '|', 'get|x']
NEWER = {'client|setname', 'config|resetstat', 'msetnx', 'quit', 'randomkey', 'scan', 'getex', 'command|getkeys', 'command|getkeysandflags',
         'client', 'command', 'config'}
WHOLE = ['get a', 'set a b', 'set a b get', 'set a b ex 1 GET', 'mset a 1 b 2', 'mset a 1 b', 'mget a b c', 'del a b', 'copy a b',
         'rename a b', 'object encoding a', 'object nosuch a', 'object help', 'ping x', 'nosuch a', 'get a b', 'set a', 'lcs a b len', 'unlink a',
         'touch a b', 'expire a 1', 'getdel a', 'getex a', 'append a b', 'move a 1', 'incr a', 'setrange a 0 x', 'msetnx a b c d',
         'exists a b', 'persist a', 'strlen a', 'substr a 0 1', 'config get x', 'client kill x', 'scan 0', 'dbsize x']
CATEGORIES = ['nosuch', 'KEYSPACE', '']


def strip(value):
    """Sets have no order; a command's subcommands are another row's business."""
    if isinstance(value, list) and len(value) == 10 and isinstance(value[9], list):
        return [sorted(map(repr, v)) if isinstance(v, list) else v for v in value[:9]]
    return value


def command_info(names):
    def run(connection):
        return [strip(v) for v in decode(connection.call_raw('COMMAND', 'INFO', *names))]
    return run


def list_of_ours(names):
    """COMMAND LIST FILTERBY: of the commands that both have."""
    def run(connection):
        raw = connection.call_raw('COMMAND', 'LIST', 'FILTERBY', *names)
        return raw if raw[:1] == b'-' else sorted(decode(raw))
    return run


def pairs_of(raw):
    """A map's pairs by name; the order is each server's own."""
    values = decode(raw)
    return sorted(zip(values[::2], values[1::2]))


def config_get(patterns):
    return lambda connection: pairs_of(connection.call_raw('CONFIG', 'GET', *patterns))


def config_set(args):
    """The reply and what it did; then all is put back, so that no other command finds it changed."""
    names = sorted({n for n in args[::2] if n in SETTINGS})

    def put_back(connection):
        for name in names:
            connection.call_raw('CONFIG', 'SET', name, SETTINGS[name][0])

    def run(connection):
        put_back(connection)
        reply = connection.call_raw('CONFIG', 'SET', *args)
        shown = pairs_of(connection.call_raw('CONFIG', 'GET', *names)) if names else []
        put_back(connection)
        return reply, [p for p in shown if p[0] not in HOST_SETTINGS]
    return run


def hello(args):
    def run(connection):
        raw = connection.call_raw('HELLO', *args)
        if raw[:1] == b'-':
            return raw
        return raw[:1], [p for p in pairs_of(raw) if p[0] not in (b'version', b'id')]
    return run


def field_names(args):
    """A line of CLIENT INFO or CLIENT LIST: its fields, and the values that do not depend on the server."""
    same = (b'name', b'db', b'sub', b'psub', b'ssub', b'multi', b'user', b'redir', b'resp', b'cmd')

    def run(connection):
        raw = connection.call_raw(*args)
        if raw[:1] == b'-' or b'=' not in raw[4:]:
            return raw
        fields = [f.split(b'=', 1) for f in decode(raw).rstrip(b'\n').split(b'\n')[0].split(b' ')]
        return [(f[0], f[1] if f[0] in same else b'') for f in fields if f[0] not in (b'lib-name', b'lib-ver')]
    return run


def info_sections(sections):
    """The sections and their order; Penstock has one more."""
    def run(connection):
        text = decode(connection.call_raw('INFO', *sections))
        heads = [line for line in text.split(b'\r\n') if b'# ' in line]
        return [h for h in heads if h != b'# Ledger']
    return run


class Admin(Group):
    name = 'admin'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        return self.rng.choices(self.bodies, self.weights)[0]()

    def word(self, text):
        return any_case(self.rng, text)

    def pick(self, *values):
        return self.rng.choice(values)

    def spoil(self, *args):
        """Now and then an argument too many or too few. The first two words stay, so that it is still this command."""
        args = list(args)
        if self.rng.random() < 0.08:
            args = args[:-1] if self.rng.random() < 0.5 and len(args) > 2 else args + ['x']
        return Command(*args)

    # ---- connection

    def gen_ping(self):
        return Command(self.word('ping'), *self.pick([], ['x'], ['a\r\nb'], [''], ['a', 'b']))

    def gen_echo(self):
        return self.spoil(self.word('echo'), self.pick('', 'x', 'y' * 1000))

    def gen_select(self):
        return Command(self.word('select'), self.pick('0', '1', '15', '16', '-1', 'x', '', '2147483648', '99999999999999999999', '01'))

    def gen_hello(self):
        args = self.pick([], ['2'], ['3'], ['1'], ['4'], ['x'], [''], ['3', 'setname', 'bob'], ['2', 'SETNAME', 'a b'], ['3', 'setname'],
                         ['3', 'auth', 'default', 'x'], ['3', 'auth', 'nobody', 'x'], ['3', 'auth', 'x'], ['2', 'foo'],
                         ['3', 'auth', 'default', 'x', 'setname', 'z'], ['2', 'setname', ''])
        return Command('HELLO', *args, run=hello(args))

    def gen_auth(self):
        return Command(self.word('auth'), *self.pick(['x'], ['default', 'x'], ['nobody', 'x'], ['a', 'b', 'c'], [''], ['', '']))

    def gen_names(self):
        return self.pick(Command(self.word('client'), self.word('getname')),
                         Command(self.word('client'), 'setname', self.pick('bob', '', 'a b', 'a\nb', '~!', '\x7f', 'x' * 300)),
                         self.spoil('client', 'getname', 'x'))

    def gen_client_line(self):
        args = self.pick(['CLIENT', 'INFO'], ['CLIENT', 'LIST', 'TYPE', 'master'], ['CLIENT', 'LIST', 'ID', '999999999'])
        return Command(*args, run=field_names(args))

    def gen_client_errors(self):
        return Command('client', *self.pick(
            ['list', 'type', 'foo'], ['list', 'id', 'x'], ['list', 'foo', 'bar'], ['list', 'id'], ['list', 'type'], ['list', 'x'], ['nosuch'], [],
            ['id', 'x'], ['info', 'x'], ['no-evict', 'on'], ['no-evict', 'OFF'], ['no-evict', 'x'], ['no-evict'], ['reply', 'x'],
            ['reply', 'on'], ['reply'], ['list', 'type', 'PUBSUB'], ['list', 'type', 'replica']))

    def gen_client_kill(self):
        return Command('client', self.word('kill'), *self.pick(
            ['1.2.3.4:5'], ['id', '0'], ['id', '-1'], ['id', 'x'], ['id', '999999999'], ['id'], ['addr', '1.1.1.1:1'], ['laddr', '1.1.1.1:1'],
            ['type', 'pubsub'], ['type', 'nosuch'], ['user', 'nosuch'], ['user', 'default', 'id', '999999999'], ['skipme', 'x'],
            ['skipme', 'yes', 'id', '999999999'], ['foo', 'bar'], ['id', '1', 'addr'], ['id', '9223372036854775808'], []))

    def gen_reset(self):
        return self.spoil(self.word('reset'))
    gen_reset.weight = 1

    # ---- server

    def gen_config_get(self):
        patterns = [self.rng.choice(PATTERNS) for _ in range(self.rng.randrange(1, 4))]
        # Two spellings of one name are two answers in Redis; here one of them is chosen.
        patterns = list({p.lower(): p for p in patterns}.values())
        if any(p != p.lower() for p in patterns):
            patterns = [next(p for p in patterns if p != p.lower())]
        return Command('CONFIG', 'GET', *patterns, run=config_get(patterns))

    def gen_config_set(self):
        names = self.rng.sample(sorted(SETTINGS), self.rng.choice([1, 1, 1, 2, 3]))
        args = [w for n in names for w in (n, self.rng.choice(SETTINGS[n]))]
        if self.rng.random() < 0.05:
            args = args[:-1] if self.rng.random() < 0.5 else args + args[:2]
        return Command('CONFIG', 'SET', *args, run=config_set(args))

    def gen_config_other(self):
        return Command('config', *self.pick([], ['nosuch'], ['get'], ['set', 'a'], ['resetstat'], ['resetstat', 'x']))

    def gen_command_info(self):
        names = [n for n in self.rng.sample(NAMES, self.rng.randrange(1, 4)) if n not in NEWER]
        if not names:
            names = ['get']
        return Command('COMMAND', 'INFO', *names, run=command_info(names))

    def gen_command_keys(self):
        whole = self.rng.choice(WHOLE).split(' ')
        return Command(self.word('command'), self.pick('getkeys', 'GETKEYSANDFLAGS'), *whole)

    def gen_command_list(self):
        args = self.pick(['pattern', 'get*'], ['pattern', 'expire*'], ['pattern', 'zz*'], ['module', 'x'], ['aclcat', self.rng.choice(CATEGORIES[:1])],
                         ['foo', 'x'], ['pattern'], ['PATTERN', 'STRL?N'])
        if args[1:] == ['get*']:  # other get... are not here yet
            args[1] = 'getr*'
        return Command('COMMAND', 'LIST', 'FILTERBY', *args, run=list_of_ours(args))

    def gen_command_errors(self):
        return Command('command', *self.pick(['nosuch'], ['count', 'x'], ['list', 'x'], ['docs', 'nosuch'], ['getkeys'], ['help', 'x'],
                                             ['list', 'filterby'], ['info', 'nosuch']))

    def gen_info(self):
        sections = self.pick([], ['default'], ['server'], ['SERVER', 'clients'], ['all'], ['everything'], ['nosuch'], ['keyspace', 'cpu'],
                             ['commandstats', 'memory'], ['modules'], ['errorstats', 'latencystats', 'cluster'])
        return Command('INFO', *sections, run=info_sections(sections))
    gen_info.weight = 2

    def gen_databases(self):
        return Command(*self.pick(
            ['dbsize'], ['dbsize', 'x'], ['flushdb'], ['flushdb', 'sync'], ['flushdb', 'ASYNC'], ['flushdb', 'x'], ['flushall', 'async'],
            ['flushall', 'sync', 'x'], ['flushall', 'y'], ['swapdb', '0', '1'], ['swapdb', '1', '1'], ['swapdb', 'x', '1'],
            ['swapdb', '1', 'x'], ['swapdb', '0', '16'], ['swapdb', '-1', '0'], ['swapdb', '0'], ['swapdb', '2147483648', '0'],
            ['swapdb', '15', '0']))
    gen_databases.weight = 8

    def gen_data(self):
        return Command(*self.pick(['set', 'k%d' % self.rng.randrange(5), 'v'], ['get', 'k%d' % self.rng.randrange(5)], ['exists', 'k1', 'k2']))
    gen_data.weight = 6

    def gen_reports(self):  # what both can only answer alike: no figure of its own server
        return Command(*self.pick(
            ['slowlog', 'get', '0'], ['slowlog', 'get', '-2'], ['slowlog', 'get', 'x'], ['slowlog', 'get', '1', '2'], ['slowlog', 'reset'],
            ['slowlog', 'len', 'x'], ['slowlog'], ['slowlog', 'nosuch'], ['latency'], ['latency', 'latest'], ['latency', 'history', 'command'],
            ['latency', 'history'], ['latency', 'graph', 'command'], ['latency', 'graph', 'x y'], ['latency', 'reset'],
            ['latency', 'reset', 'command', 'x'], ['latency', 'histogram', 'nosuch'], ['latency', 'histogram', 'migrate', 'x|y'],
            ['latency', 'nosuch'], ['latency', 'help'], ['memory', 'usage', 'nosuch'], ['memory', 'usage', 'nosuch', 'samples', '3'],
            ['memory', 'usage', 'k1', 'x'], ['memory', 'usage', 'k1', 'samples'], ['memory', 'usage', 'k1', 'samples', '-1'],
            ['memory', 'usage', 'k1', 'samples', 'x'], ['memory', 'usage'], ['memory', 'purge'], ['memory', 'purge', 'x'],
            ['memory', 'help'], ['memory', 'nosuch'], ['memory']))
    gen_reports.weight = 3

    def gen_refused(self):
        return Command(*self.pick(['shutdown', 'x'], ['shutdown', 'save', 'nosave'], ['shutdown', 'abort'], ['shutdown', 'abort', 'now'],
                                  ['time', 'x'], ['shutdown', 'now', 'x']))
    gen_refused.weight = 2

    def gen_debug(self):
        return Command('DEBUG', *self.pick(
            ['sleep', '0'], ['sleep', 'x'], ['sleep'], ['object', 'nosuch'], ['object'], ['set-active-expire', '1'], ['set-active-expire'],
            ['nosuch'], ['error', 'CODE x'], ['error', ''], ['log', 'x'], ['htstats', 'x'], ['htstats', '99'], ['populate', '2', 'p', '3'],
            ['populate', '3', 'p'], ['populate', 'x'], ['populate', '-1'], ['populate', '1', 'q', '10'], ['protocol', 'string'],
            ['protocol', 'integer'], ['protocol', 'double'], ['protocol', 'null'], ['protocol', 'array'], ['protocol', 'set'], ['protocol', 'map'],
            ['protocol', 'attrib'], ['protocol', 'bignum'], ['protocol', 'true'], ['protocol', 'FALSE'], ['protocol', 'verbatim'],
            ['protocol', 'nosuch'], ['protocol']))
