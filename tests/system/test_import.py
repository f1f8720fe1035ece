#!/usr/bin/env python3
"""penstockctl import: the keys of a real redis-server, of every type and encoding, into Penstock with one and with two
shards: from its snapshot, its append-only log, and from the server while it runs; and what is told when it cannot be done.

    test_import.py [Class.test ...]       $PENSTOCK_BUILD: the build folder
"""
import contextlib
import json
import os
import pty
import shutil
import subprocess
import tempfile
import threading

from dump_kit import values
from kit import Case, main, until
from penstock import BUILD, Penstock, RedisServer, encode, free_port

CTL = os.path.join(BUILD, 'penstockctl')
FAR_MS = 4102444800000  # 2100
TIGHT = {'hash-max-listpack-entries': '2', 'zset-max-listpack-entries': '2', 'set-max-intset-entries': '2', 'list-max-listpack-size': '3',
         'stream-node-max-entries': '5'}
LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)"
DATABASES = (0, 3, 9)
LOG = 'appendonlydir/appendonly.aof'
MULTI, EXEC = ['MULTI'], ['EXEC']


def fill(connection):
    """Every type and encoding, in several databases, with deadlines and functions."""
    for db, prefix in zip(DATABASES, ('', 'tight ', 'late ')):
        connection.call('SELECT', db)
        for name, value in TIGHT.items() if db == 3 else ():
            connection.call('CONFIG', 'SET', name, value)
        for name in values():
            for command in values(prefix + name)[name][1]:
                connection.send(command)
                connection.read_raw()
        connection.call('PEXPIREAT', prefix + 'string int', FAR_MS + db)
        connection.call('PEXPIREAT', prefix + 'hash hashtable', FAR_MS)
        connection.call('SET', b'\r\n\x00\xff' + prefix.encode(), 'odd')
    connection.call('SELECT', 0)
    connection.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY)


def change(connection):
    """What comes behind a rewrite: commands that change what there is, units, other databases."""
    connection.call('SELECT', 3)
    for command in (MULTI, ['RPUSH', 'unit', 'a', 'b'], ['SET', 'unit too', 'x'], ['DEL', 'tight string raw'], EXEC):
        connection.call(*command)
    connection.call('SELECT', 9)
    connection.call('LPOP', 'late list quicklist', 5000)
    connection.call('SELECT', 0)
    connection.call('SET', 'behind', 'y', 'EX', 100000000)
    connection.call('EVAL', "redis.call('SET', 'by a script', '1') redis.call('INCR', 'by a script')", 0)
    connection.call('FUNCTION', 'LOAD', LIBRARY.replace('name=lib', 'name=other').replace("'answer'", "'other'"))


def facts(connection):
    """What must be the same on both sides."""
    functions = sorted(x[1] for x in connection.call('FUNCTION', 'LIST'))
    deadlines = []
    for db in DATABASES:
        connection.call('SELECT', db)
        names = sorted(connection.call('KEYS', '*'))
        connection.send(*[['PEXPIRETIME', name] for name in names])
        deadlines.append([(name, connection.read_raw()) for name in names])
    connection.call('SELECT', 0)
    return connection.call('DEBUG', 'DIGEST'), functions, deadlines


def run(*args, env=None):
    done = subprocess.run([CTL, 'import', *args], capture_output=True, text=True, errors='replace', timeout=60, check=False,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def snapshot(*keys, version=10):
    """A file without a checksum: (name, type, value) each."""
    items = b''.join(bytes([kind, len(name)]) + name + value for name, kind, value in keys)
    return b'REDIS%04d' % version + items + b'\xff' + bytes(8)


class Source(RedisServer):
    def __init__(self, options=()):
        super().__init__(['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0', *options])


class Import(Case):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix='penstock-import-')
        self.addCleanup(shutil.rmtree, self.home)

    def target(self, shards=1, **options):
        options = {name.replace('_', '-'): value for name, value in options.items()}
        server = Penstock({'enable-debug-command': 'yes', 'shards': shards, **options})
        self.addCleanup(server.close)
        return server.start()

    def source(self, *options):
        server = Source(options)
        self.addCleanup(server.close)
        return server.start()

    def run_to(self, server, source, *args, **kwargs):
        return run(source, '--to', '127.0.0.1:%d' % server.port, *args, **kwargs)

    def bring(self, server, source, *args, **kwargs):
        """What its summary says."""
        code, out, err = self.run_to(server, source, '--json', *args, **kwargs)
        self.assertEqual(code, 0, out + err)
        said = json.loads(out)
        self.assertEqual((said['complete'], said['errors']), (True, 0))
        return said

    def fail_to(self, server, source, *args, code=1, **kwargs):
        got, out, err = self.run_to(server, source, *args, **kwargs)
        self.assertEqual(got, code, out + err)
        return err

    def file(self, name, data):
        path = os.path.join(self.home, name)
        write(path, data)
        return path


class Whole(Import):
    """One server's data, brought by every way; nothing writes to it but where a test says so."""

    @classmethod
    def setUpClass(cls):
        cls.origin = Source(['--appendonly', 'yes']).start()
        cls.addClassCleanup(cls.origin.close)
        with cls.origin.connect() as c:
            fill(c)
            c.call('BGREWRITEAOF')
            until('the log is rewritten', lambda: b'aof_rewrite_in_progress:0' in c.call('INFO', 'persistence')
                  and os.path.exists(os.path.join(cls.origin.directory, LOG + '.2.base.rdb')))
            change(c)
            c.call('SAVE')
            cls.facts = facts(c)
        cls.keys = sum(len(x) for x in cls.facts[2])
        cls.snapshot = os.path.join(cls.origin.directory, 'dump.rdb')

    def expect_same(self, server):
        with server.connect() as c:
            self.assertEqual(facts(c), self.facts)

    def each_target(self):
        for shards in (1, 2):
            with self.subTest(shards=shards):
                server = self.target(shards)
                yield server
                server.close()

    def test_a_snapshot(self):
        for server in self.each_target():
            said = self.bring(server, self.snapshot)
            self.assertEqual((said['keys'], said['functions'], said['commands']), (self.keys, 2, 0))
            self.expect_same(server)
            self.bring(server, self.snapshot, '--replace', '--pipeline', '1')  # once more
            self.expect_same(server)

    def rewrite_as_commands(self):
        """The log's base is commands from now on, with the times of day between them."""
        with self.origin.connect() as c:
            c.call('CONFIG', 'SET', 'aof-use-rdb-preamble', 'no', 'aof-timestamp-enabled', 'yes')
            c.call('BGREWRITEAOF')
            until('the log is rewritten', lambda: b'aof_rewrite_in_progress:0' in c.call('INFO', 'persistence')
                  and os.path.exists(os.path.join(self.origin.directory, LOG + '.3.base.aof')))

    def test_a_log(self):
        for server, name in zip(self.each_target(), ('appendonlydir', LOG + '.manifest')):
            said = self.bring(server, os.path.join(self.origin.directory, name))
            self.assertGreaterEqual(said['commands'], 6)
            self.expect_same(server)
        self.rewrite_as_commands()
        server = self.target(2)
        said = self.bring(server, os.path.join(self.origin.directory, 'appendonlydir'))
        self.assertEqual(said['keys'], 0)
        self.assertGreater(said['commands'], self.keys)
        self.expect_same(server)

    def test_a_running_server(self):
        with self.origin.connect() as c:
            for server, diskless in zip(self.each_target(), ('yes', 'no')):
                c.call('CONFIG', 'SET', 'repl-diskless-sync', diskless)
                self.assertEqual(self.bring(server, 'redis://127.0.0.1:%d' % self.origin.port)['keys'], self.keys)
                self.expect_same(server)

    def test_one_database(self):
        server = self.target()
        for i, (source, args) in enumerate(((self.snapshot, ['--db', '3']), ('redis://127.0.0.1:%d/3' % self.origin.port, []),
                                            (os.path.join(self.origin.directory, 'appendonlydir'), ['--db', '3']))):
            with self.subTest(source=source), server.connect() as c:
                c.call('FLUSHALL')
                self.bring(server, source, '--replace', *args)
                here = facts(c)
                self.assertEqual(here[2], [[], self.facts[2][1], []], i)
                self.assertEqual(here[1], self.facts[1])

    def test_redis_takes_it_too(self):
        server = self.source()
        self.bring(server, self.snapshot)
        self.expect_same(server)


class Running(Import):
    def test_while_it_is_written_to(self):
        """Counters that are written one after another: what is brought is of one moment."""
        source, server = self.source(), self.target(2)
        ending, turns = threading.Event(), []

        def write_on():
            with source.connect() as c:
                while not ending.is_set():
                    turns.append(1)
                    c.send(*[['INCR', 'counter%d' % i] for i in range(100)])
                    for _ in range(100):
                        c.read_raw()

        thread = threading.Thread(target=write_on)
        thread.start()
        try:
            until('it is written to', lambda: len(turns) > 20)
            self.bring(server, 'redis://127.0.0.1:%d' % source.port)
        finally:
            ending.set()
            thread.join()
        with server.connect() as c:
            counts = [int(c.call('GET', 'counter%d' % i)) for i in range(100)]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertLessEqual(counts[0] - counts[-1], 1)
        self.assertTrue(20 <= counts[0] <= len(turns), (counts[0], len(turns)))

    def test_passwords(self):
        source = self.source('--requirepass', 'sour:ce@')
        with source.connect() as c:
            c.call('AUTH', 'sour:ce@')
            c.call('SET', 'k', 'v')
        server = self.target(requirepass='target')
        where = '127.0.0.1:%d' % source.port
        said = self.bring(server, 'redis://:sour%3Ace%40@' + where, '-a', 'target')
        self.assertEqual(said, {**said, 'keys': 1, 'source': 'redis://' + where})
        self.assertIn('WRONGPASS', self.fail_to(server, 'redis://:wrong@' + where, '-a', 'target'))
        self.assertIn('WRONGPASS', self.fail_to(server, 'redis://default:wrong@' + where, '-a', 'target'))
        self.assertIn('NOAUTH', self.fail_to(server, 'redis://' + where, env={'REDISCLI_AUTH': 'target'}))
        self.assertIn('WRONGPASS', self.fail_to(server, 'redis://' + where, '-a', 'wrong'))
        self.assertIn('NOAUTH', self.fail_to(server, self.file('one', snapshot((b'k', 0, b'\x01v'))), '--keep-going'))

    def test_idle_times_and_frequencies(self):
        for policy, object_word in (('allkeys-lru', 'IDLETIME'), ('allkeys-lfu', 'FREQ')):
            with self.subTest(policy=policy):
                word = b'\xf8\x81' + (5000).to_bytes(8, 'big') if object_word == 'IDLETIME' else b'\xf9\x63'
                path = self.file('kept', b'REDIS0010' + word + b'\x00\x01k\x01v\xff' + bytes(8))
                server = self.target(maxmemory_policy=policy)
                self.bring(server, path)
                with server.connect() as c:
                    kept = c.call('OBJECT', object_word, 'k')
                self.assertTrue(5000 <= kept <= 5100 if object_word == 'IDLETIME' else 90 <= kept <= 99, kept)
                server.close()


class Logs(Import):
    """Append-only files made by hand."""

    @staticmethod
    def log(*commands):
        return b''.join(x if isinstance(x, bytes) else encode(x) for x in commands)

    def manifest(self, *files):
        """(name, what stands behind it in the manifest, content)"""
        for name, _, content in files:
            self.file(name, content)
        return self.file('a.manifest', b''.join(b'file %s %s\n' % (n.encode(), about) for n, about, _ in files))

    def dump(self, server):
        with server.connect() as c:
            return {k: c.call('GET', k) for k in c.call('KEYS', '*')}

    def test_shards_meet_at_what_they_share(self):
        """Each log by itself, one after the other, would leave other keys, and so would what is for all and run twice."""
        both, swap = b'#TX:1 2\r\n', ['SWAPDB', '0', '5']
        path = self.manifest(
            ('0.aof', b'seq 1 type i shard 0', self.log(['SET', 'a', '1'], both, MULTI, ['SET', 'a1', '1'], swap, EXEC, ['SET', 'a2', '1'])),
            ('1.aof', b'seq 2 type i shard 1', self.log(['SET', 'b', '1'], both, MULTI, ['SET', 'b1', '1'], swap, ['SET', 'b2', '1'],
                                                        ['FLUSHDB'], ['SET', 'b3', '1'], EXEC, ['SET', 'b4', '1'])))
        server = self.target(2)
        self.bring(server, path)
        self.assertEqual(sorted(self.dump(server)), [b'a2', b'b3', b'b4'])
        with server.connect() as c:
            c.call('SELECT', 5)
            self.assertEqual(sorted(c.call('KEYS', '*')), [b'a', b'a1', b'b', b'b1'])

    def test_what_not_all_shards_have_is_left_out(self):
        path = self.manifest(
            ('0.aof', b'seq 1 type i shard 0', self.log(['SET', 'a', '1'], b'#TX:7 2\r\n', MULTI, ['SET', 'a', '2'], EXEC,
                                                        ['SET', 'a2', '1'])),
            ('1.aof', b'seq 2 type i shard 1', self.log(['SET', 'b', '1'])))
        server = self.target()
        code, _, err = self.run_to(server, path)
        self.assertEqual(code, 0, err)
        self.assertIn('transaction 7 is in 1 of 2 logs', err)
        self.assertEqual(self.dump(server), {b'a': b'1', b'a2': b'1', b'b': b'1'})

    def test_a_snapshot_with_commands_behind(self):
        path = self.file('old', snapshot((b'k', 0, b'\x01v')) + self.log(['APPEND', 'k', 'w'], MULTI, ['SET', 'k2', 'x'], EXEC))
        server = self.target()
        self.bring(server, path)
        self.assertEqual(self.dump(server), {b'k': b'vw', b'k2': b'x'})

    def test_a_torn_end_is_cut_off_and_told(self):
        whole = self.log(['SET', 'k', 'v'])
        for end in (self.log(MULTI, ['SET', 'k', 'w']), b'*3\r\n$3\r\nSE', bytes(100)):
            with self.subTest(end=end):
                server = self.target()
                code, _, err = self.run_to(server, self.file('torn', whole + end))
                self.assertEqual(code, 0, err)
                self.assertIn('what is whole up to byte %d is brought' % len(whole), err)
                self.assertEqual(self.dump(server), {b'k': b'v'})
                server.close()

    def test_damage_is_found_before_anything_is_sent(self):
        server = self.target()
        path = self.file('damaged', self.log(['SET', 'k', 'v']) + b'garbage' + self.log(['SET', 'k', 'w']))
        self.assertIn('damaged, byte 27: ', self.fail_to(server, path))
        self.assertEqual(self.dump(server), {})
        self.fail_to(server, path, '--keep-going')
        self.assertEqual(self.dump(server), {b'k': b'v'})
        path = self.manifest(('1.aof', b'seq 1 type i', self.log(['SET', 'k', 'x']) + b'*1'), ('2.aof', b'seq 2 type i', b''))
        self.assertIn('1.aof, byte 29: ends inside', self.fail_to(server, path, '--replace'))
        self.assertIn('No such file', self.fail_to(server, self.file('b.manifest', b'file gone seq 1 type i\n')))
        self.assertIn('b.manifest, line 1: ', self.fail_to(server, self.file('b.manifest', b'nonsense\n')))
        self.assertIn('several manifests', self.fail_to(server, self.home))
        self.assertEqual(self.dump(server), {b'k': b'v'})

    def test_a_log_wants_an_empty_server(self):
        server, path = self.target(), self.file('log', self.log(['SELECT', '2'], ['INCR', 'k'], ['RPUSH', 'l', 'x']))
        self.bring(server, path)
        self.assertIn('--replace', self.fail_to(server, path))
        self.bring(server, path, '--replace')
        with server.connect() as c:
            c.call('SELECT', 2)
            self.assertEqual(c.call('GET', 'k'), b'2')
            c.call('SET', 'l', 'no list')
        err = self.fail_to(server, path, '--replace')
        self.assertIn('byte %d: RPUSH "l" in database 2: WRONGTYPE' % len(self.log(['SELECT', '2'], ['INCR', 'k'])), err)

    def test_errors_inside_of_a_unit(self):
        server = self.target()
        path = self.file('log', self.log(['SET', 's', 'x'], MULTI, ['SET', 'k', '1'], ['LPUSH', 's', 'y'], EXEC))
        self.assertIn('EXEC: command 2 of this unit: WRONGTYPE', self.fail_to(server, path))

    def test_databases_that_are_not_there(self):
        server = self.target(databases=4)
        path = self.file('log', self.log(['SELECT', '9'], MULTI, ['SET', 'far', '1'], EXEC, ['SELECT', '0'], ['SET', 'near', '1']))
        self.assertIn('no database 9', self.fail_to(server, path))
        self.assertEqual(self.dump(server), {})
        self.fail_to(server, path, '--keep-going')
        self.assertEqual(self.dump(server), {b'near': b'1'})
        path = self.file('rdb', b'REDIS0010\xfe\x09\x00\x03far\x01v\xfe\x00\x00\x04here\x01v\xff' + bytes(8))
        self.fail_to(server, path, '--keep-going')
        self.assertEqual(self.dump(server), {b'near': b'1', b'here': b'v'})


class Errors(Import):
    def test_nobody_is_there(self):
        path, port = self.file('one', snapshot((b'k', 0, b'\x01v'))), free_port()
        code, _, err = run(path, '--to', '127.0.0.1:%d' % port)
        self.assertEqual((code, 'cannot connect to 127.0.0.1 port %d: Connection refused' % port in err), (3, True), err)
        server = self.target()
        err = self.fail_to(server, 'redis://127.0.0.1:%d' % port, code=3)
        self.assertIn('port %d: Connection refused' % port, err)

    def test_keys_that_are_there(self):
        server = self.target()
        path = self.file('three', snapshot((b'a', 0, b'\x01v'), (b'b\n"', 0, b'\x01v'), (b'c', 0, b'\x01v')))
        with server.connect() as c:
            c.call('SET', 'b\n"', 'before')
            err = self.fail_to(server, path, '--pipeline', '1')
            self.assertIn('three, byte 14: key "b\\x0a\\x22" of database 0: BUSYKEY', err)
            self.assertIn('--keep-going', err)
            self.assertEqual((c.call('GET', 'b\n"'), c.call('EXISTS', 'c')), (b'before', 0))
            c.call('DEL', 'a')
            code, out, err = self.run_to(server, path, '--keep-going', '--json')
            said = json.loads(out)
            self.assertEqual((code, said['keys'], said['errors'], err.count('BUSYKEY')), (1, 2, 1, 1), err)
            self.assertEqual((c.call('GET', 'b\n"'), c.call('EXISTS', 'c')), (b'before', 1))
            self.bring(server, path, '--replace')
            self.assertEqual(c.call('GET', 'b\n"'), b'v')

    def test_many_that_are_there(self):
        """All are told when the run goes on, else some of those that were under way."""
        server, path = self.target(), self.file('many', snapshot(*[(b'k%d' % i, 0, b'\x01v') for i in range(100)]))
        self.bring(server, path)
        self.assertEqual(self.fail_to(server, path, '--keep-going', '--pipeline', '7').count('BUSYKEY'), 100)
        err = self.fail_to(server, path)
        self.assertEqual(err.count('BUSYKEY'), 10)
        self.assertIn('90 more', err)

    def test_values_that_the_target_refuses(self):
        server = self.source()
        path = self.file('new', snapshot((b'a', 0, b'\x01v'), (b'new', 20, b'\x0b' + b'\x0b\0\0\0\1\0\1\1\xff\0\0'), (b'z', 0, b'\x01v'), version=11))
        self.assertIn('new, byte 14: key "new" of database 0: ERR DUMP payload version', self.fail_to(server, path, '--keep-going'))
        with server.connect() as c:
            self.assertEqual(sorted(c.call('KEYS', '*')), [b'a', b'z'])

    def test_broken_files(self):
        server = self.target()
        good = snapshot((b'k', 0, b'\x01v'), (b'victim', 10, b'\x7f123'))
        for name, data, what in (('cut', good, 'cut, byte 22: key "victim": a value that is cut off'), ('empty.rdb', b'REDIS', 'too short'),
                                 ('sum', snapshot((b'k', 0, b'\x01v'))[:-8] + b'12345678', 'checksum'),
                                 ('module', snapshot((b'k', 0, b'\x01v'), (b'm', 7, b'\x81' + bytes(20))), 'byte 14: a key with a value of a module'),
                                 ('text', b'hello', 'text, byte 0: neither'), ('version', b'REDIS0099' + good[9:], 'version')):
            with self.subTest(name=name):
                self.assertIn(what, self.fail_to(server, self.file(name, data)))
                with server.connect() as c:
                    self.assertEqual(c.call('DBSIZE'), 0)
        self.assertIn('No such file', self.fail_to(server, os.path.join(self.home, 'none')))
        self.fail_to(server, self.file('cut', good), '--keep-going')
        with server.connect() as c:
            self.assertEqual(c.call('KEYS', '*'), [b'k'])

    def test_usage(self):
        for words in ([], ['a', 'b'], ['a', '--db', 'x'], ['a', '--db', '-1'], ['a', '--to', 'nowhere'], ['a', '--to', ':1'], ['http://x'],
                      ['redis://user@host'], ['redis://h:0'], ['redis://h/x'], ['redis://h/1', '--db', '2'], ['a', '--pipeline', 'x'],
                      ['a', '--pipeline', '0']):
            self.assertEqual(run(*words)[0], 2, words)

    def test_large_values_and_a_bar_on_a_terminal(self):
        """The bar is drawn over itself; a value is larger than all buffers."""
        value = os.urandom(1 << 24)
        path = self.file('large', snapshot(*[(b'k%d' % i, 0, b'\x80' + len(value).to_bytes(4, 'big') + value) for i in range(3)]))
        server, (ours, theirs) = self.target(2), pty.openpty()
        done = subprocess.Popen([CTL, 'import', path, '--to', '127.0.0.1:%d' % server.port], stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        said = b''
        with contextlib.suppress(OSError):  # as reading ends when the other end is closed
            while part := os.read(ours, 4096):
                said += part
        os.close(ours)
        self.assertEqual(done.wait(30), 0, said)
        self.assertRegex(said.decode(), r'\r\[#{24}\] 100%, 48.00 MB of 48.00 MB, 3 keys and commands, \d+/s')
        with server.connect() as c:
            self.assertTrue(c.call('GET', 'k2') == value)


if __name__ == '__main__':
    main()
