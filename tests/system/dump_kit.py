"""DUMP payloads for tests: values of every type and encoding by commands, what a value holds, and payloads made by
hand with their footer.
"""
import struct

RDB_VERSION = 10


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x95ac9329ac4bc9b5 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = _crc_table()


def crc64(data):
    """CRC-64 of Redis (spec/rdb.md section 9)."""
    crc = 0
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def payload(body, version=RDB_VERSION):
    """type and object, with the footer that RESTORE wants."""
    data = body + struct.pack('<H', version)
    return data + struct.pack('<Q', crc64(data))


def body_of(dump):
    return dump[:-10]


def version_of(dump):
    return struct.unpack('<H', dump[-10:-8])[0]


def words(count, start=0):
    return ['word%d' % i for i in range(start, start + count)]


def numbers(count, start=0):
    return [str(i) for i in range(start, start + count)]


def pairs(names, values):
    return [x for pair in zip(names, values) for x in pair]


EDGES = ['0', '1', '-1', '12', '13', '127', '128', '-128', '4095', '4096', '-4096', '-4097', '32767', '32768', '-32769', '8388607',
         '8388608', '-8388609', '2147483647', '2147483648', '-2147483649', '9223372036854775807', '-9223372036854775808',
         '9223372036854775808', '007', '-0', '+1', '', ' ', 'x', 'é', 'a' * 63, 'b' * 64, 'c' * 4095, 'd' * 4096, 'e' * 20]
SCORES = ['-inf', '-1e300', '-2.5', '0', '0.1', '1', '2', '3.14159265358979', '1e17', '9007199254740993', '1e20', 'inf']
STREAM = 'stream'


def chunks(name, key, items, size=1000):
    return [[name, key] + items[i:i + size] for i in range(0, len(items), size)]


def stream_commands(key, count, odd_every=7):
    out = []
    for i in range(1, count + 1):
        fields = ['a', str(i), 'b', 'x' * (i % 50)] if i % odd_every else ['other', str(i), 'many', 'y', 'more', 'z' * 100]
        out.append(['XADD', key, '%d-%d' % (1000 + i // 3, i)] + fields)
    return out


def values(key='k'):
    """name -> (type, CONFIG SET before, commands that make it at key). Names tell type and expected encoding."""
    small = ['a', '1', '-5', 'hello world', '', 'x' * 60]
    out = {
        'string int': [['SET', key, '12345']],
        'string negative int': [['SET', key, '-2147483649']],
        'string large int': [['SET', key, '9223372036854775807']],
        'string empty': [['SET', key, '']],
        'string embstr': [['SET', key, 'hello']],
        'string raw': [['SET', key, 'x1y2' * 40]],
        'string binary': [['SET', key, bytes(range(256)) * 3]],
        'string compressible': [['SET', key, 'hello world ' * 3000]],
        'string hll': [['PFADD', key] + words(50)],
        'string hll dense': [['PFADD', key] + words(5000)],
        'list listpack': [['RPUSH', key] + small],
        'list edges': [['RPUSH', key] + EDGES],
        'list quicklist': chunks('RPUSH', key, words(5000) + numbers(5000)),
        'list large elements': [['RPUSH', key, 'a', 'b' * 9000, 'c', 'd' * 70000, 'e' * 8192, bytes(range(256)) * 400, 'f']],
        'set intset 16': [['SADD', key] + numbers(100, -50)],
        'set intset 32': [['SADD', key] + numbers(100, 100000) + ['-7']],
        'set intset 64': [['SADD', key, '5000000000', '-1', '9223372036854775807', '-9223372036854775808']],
        'set small': [['SADD', key] + small],
        'set hashtable': chunks('SADD', key, words(3000) + numbers(1000)),
        'set edges': [['SADD', key] + EDGES],
        'zset listpack': [['ZADD', key] + pairs(SCORES, small + words(len(SCORES)))],
        'zset skiplist': chunks('ZADD', key, pairs([str(i * 0.25 - 100) for i in range(3000)], words(3000))),
        'zset edges': [['ZADD', key] + pairs(numbers(len(EDGES)), EDGES), ['ZADD', key] + pairs(SCORES, words(len(SCORES)))],
        'hash listpack': [['HSET', key] + pairs(small, reversed(small))],
        'hash hashtable': chunks('HSET', key, pairs(words(3000), numbers(3000))),
        'hash edges': [['HSET', key] + pairs(EDGES, reversed(EDGES))],
        'hash large value': [['HSET', key, 'f', 'v' * 200000, 'g', bytes(range(256)) * 1000]],
        'stream one': [['XADD', key, '1-1', 'f', 'v']],
        'stream many': stream_commands(key, 1000),
        'stream large': [['XADD', key, '5-5', 'field', 'x' * 100000], ['XADD', key, '5-6', 'y' * 5000, 'z']],
        'stream empty': [['XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM']],
        'stream deleted': stream_commands(key, 250) + [['XDEL', key, '1000-1', '1016-50', '1033-100', '1083-250'],
                                                      ['XTRIM', key, 'MAXLEN', '200'], ['XSETID', key, '2000-0']],
        'stream few groups': stream_commands(key, 6) + [
            ['XGROUP', 'CREATE', key, 'g', '0'], ['XGROUP', 'CREATE', key, 'h', '1000-1'], ['XDEL', key, '1000-2'],
            ['XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', '2', 'STREAMS', key, '>'],
            ['XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', '1', 'STREAMS', key, '>']],
        'stream groups': stream_commands(key, 150) + [
            ['XGROUP', 'CREATE', key, 'g1', '0'], ['XGROUP', 'CREATE', key, 'g2', '1010-31'], ['XGROUP', 'CREATE', key, '', '$'],
            ['XREADGROUP', 'GROUP', 'g1', 'alice', 'COUNT', '20', 'STREAMS', key, '>'],
            ['XREADGROUP', 'GROUP', 'g1', 'bob', 'COUNT', '15', 'STREAMS', key, '>'],
            ['XREADGROUP', 'GROUP', 'g2', 'carol', 'COUNT', '5', 'STREAMS', key, '>'],
            ['XACK', key, 'g1', '1000-1', '1000-2', '1001-3'], ['XDEL', key, '1003-9'],
            ['XGROUP', 'CREATECONSUMER', key, 'g1', 'idle one']],
    }
    return {name: (name.split()[0], commands) for name, commands in out.items()}


def contents(connection, key):
    """Everything that a value holds, comparable between servers and versions."""
    kind = connection.call('TYPE', key).decode()
    if kind == 'string':
        return kind, connection.call('GET', key)
    if kind == 'list':
        return kind, connection.call('LRANGE', key, 0, -1)
    if kind == 'set':
        return kind, sorted(connection.call('SMEMBERS', key))
    if kind == 'zset':
        reply = connection.call('ZRANGE', key, 0, -1, 'WITHSCORES')
        return kind, [(reply[i], float(reply[i + 1])) for i in range(0, len(reply), 2)]
    if kind == 'hash':
        reply = connection.call('HGETALL', key)
        return kind, sorted(zip(reply[::2], reply[1::2]))
    if kind == 'stream':
        return kind, stream_contents(connection, key)
    return kind, None


def as_map(flat):
    return dict(zip(flat[::2], flat[1::2]))


def stream_contents(connection, key):
    """XINFO without its nodes and moments, which servers count for themselves."""
    info = as_map(connection.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0))
    for name in (b'radix-tree-keys', b'radix-tree-nodes'):
        info.pop(name)
    groups = []
    for group in info.pop(b'groups'):
        group = as_map(group)
        group[b'consumers'] = [(c[b'name'], c[b'pel-count'], c[b'pending'], c[b'seen-time'])
                               for c in map(as_map, group[b'consumers'])]
        groups.append(group)
    return info, groups
