"""The store as one thread would keep it: the sequential model of a few commands over texts and lists, for
linearizable.py. Requests are tuples of texts, replies what penstock.decode gives, with errors as ('error', first word).

    ('GET', k)  ('SET', k, v)  ('GETSET', k, v)  ('INCR', k)  ('APPEND', k, v)  ('DEL', k, ...)  ('EXISTS', k, ...)
    ('MGET', k, ...)  ('MSET', k, v, ...)  ('MSETNX', k, v, ...)  ('RENAME', k, k)  ('RENAMENX', k, k)
    ('RPUSH', k, v)  ('LRANGE', k)  ('LMOVE', k, k, end, end)
    ('SWAP', k, k, v, v)                 MGET and MSET of two keys in one script
    ('EXEC', request, ...)               MULTI, the requests, EXEC
    ('WATCH', k, ...)                    until the client's next EXEC, whose answer is None when a key was written to

The state is (contents, watches): pairs of key and value in order, a value being bytes or a tuple of bytes; and triples
of client, keys and whether one was written to, when it is no matter which.

Marks, by which linearizable.py knows early that an order is wrong: texts that are numbers belong to families of a
thousand, of which whoever writes numbers takes one for each; INCR and APPEND stay in it.
"""
import re

INTEGER_MAX = (1 << 63) - 1
FAMILY = 1000
LEADING_NUMBER = re.compile(rb'\d+')
OK, QUEUED = b'OK', b'QUEUED'
LOOKS, MAY_FAIL = {'GET', 'MGET', 'EXISTS', 'LRANGE'}, {'DEL', 'RENAMENX', 'MSETNX', 'LMOVE'}
WRONG_TYPE, NO_INTEGER, NO_KEY = ('error', 'WRONGTYPE'), ('error', 'ERR'), ('error', 'ERR')


def to_integer(data):
    """As the server reads it: no sign but minus, no zeros ahead. None when it is none."""
    try:
        value = int(data)
    except ValueError:
        return None
    return value if b'%d' % value == data and -INTEGER_MAX - 1 <= value <= INTEGER_MAX else None


class Contents:
    """What one command does, on a copy."""

    def __init__(self, pairs):
        self.values = dict(pairs)
        self.written = set()

    def put(self, key, value):
        """None or an empty list: the key is gone."""
        self.written.add(key)
        if value is None or value == ():
            self.values.pop(key, None)
        else:
            self.values[key] = value

    def text(self, key):
        """Of a key that holds a text, or none."""
        value = self.values.get(key)
        return value if isinstance(value, bytes) else None

    def is_list(self, key):
        return isinstance(self.values.get(key), tuple)

    def run(self, request):
        return getattr(self, 'do_' + request[0].lower())(*request[1:])

    def do_get(self, key):
        return WRONG_TYPE if self.is_list(key) else self.values.get(key)

    def do_set(self, key, value):
        self.put(key, value.encode())
        return OK

    def do_getset(self, key, value):
        if self.is_list(key):
            return WRONG_TYPE
        old = self.values.get(key)
        self.put(key, value.encode())
        return old

    def do_incr(self, key):
        if self.is_list(key):
            return WRONG_TYPE
        number = to_integer(self.values.get(key, b'0'))
        if number is None or number == INTEGER_MAX:
            return NO_INTEGER
        self.put(key, b'%d' % (number + 1))
        return number + 1

    def do_append(self, key, value):
        if self.is_list(key):
            return WRONG_TYPE
        self.put(key, self.values.get(key, b'') + value.encode())
        return len(self.values[key])

    def do_del(self, *keys):
        there = set(keys) & set(self.values)
        for key in there:
            self.put(key, None)
        return len(there)

    def do_exists(self, *keys):
        return sum(key in self.values for key in keys)

    def do_mget(self, *keys):
        return [self.text(key) for key in keys]

    def do_mset(self, *words):
        for key, value in zip(words[::2], words[1::2]):
            self.put(key, value.encode())
        return OK

    def do_msetnx(self, *words):
        if any(key in self.values for key in words[::2]):
            return 0
        self.do_mset(*words)
        return 1

    def do_rename(self, source, target):
        if source not in self.values:
            return NO_KEY
        if source != target:
            self.put(target, self.values[source])
            self.put(source, None)
        return OK

    def do_renamenx(self, source, target):
        if source not in self.values:
            return NO_KEY
        if target in self.values:  # itself, too
            return 0
        self.do_rename(source, target)
        return 1

    def do_rpush(self, key, value):
        if not self.is_list(key) and key in self.values:
            return WRONG_TYPE
        self.put(key, self.values.get(key, ()) + (value.encode(),))
        return len(self.values[key])

    def do_lrange(self, key):
        if not self.is_list(key) and key in self.values:
            return WRONG_TYPE
        return list(self.values.get(key, ()))

    def do_lmove(self, source, target, take, give):
        if source not in self.values:
            return None
        if not self.is_list(source) or not (self.is_list(target) or target not in self.values):
            return WRONG_TYPE
        values = self.values[source]
        moved, left = (values[0], values[1:]) if take == 'LEFT' else (values[-1], values[:-1])
        self.put(source, left)
        there = self.values.get(target, ())
        self.put(target, (moved,) + there if give == 'LEFT' else there + (moved,))
        return moved

    def do_swap(self, one, other, value_of_one, value_of_other):
        found = self.do_mget(one, other)
        self.do_mset(one, value_of_one, other, value_of_other)
        return found


def touched(watches, keys):
    """After a write to keys. A client one of whose keys was written to need not know more."""
    dirty = {client for client, watched, is_written in watches if is_written or keys & set(watched)}
    return tuple(sorted([w for w in watches if w[0] not in dirty] + [(client, (), True) for client in dirty]))


def family(value):
    """0 for none: numbers below a thousand tell nothing."""
    if isinstance(value, int):
        return value // FAMILY
    found = LEADING_NUMBER.match(value)
    return int(found.group()) // FAMILY if found else 0


def families(values):
    """Of whatever may be in a reply or a state."""
    found = set()
    for value in values:
        if isinstance(value, (list, tuple)):
            found |= families(value)
        elif isinstance(value, (bytes, int)):
            found.add(family(value))
    return found - {0}


def families_written(request):
    if request[0] == 'EXEC':
        return {f for part in request[1:] for f in families_written(part)}
    return families(word.encode() for word in request[1:])


class StoreModel:
    initial = ((), ())

    def is_ordered(self, _, __):
        return True

    def is_look(self, request, reply):
        """SET of the value that is there is none: at another time it would change something."""
        name = request[0]
        if name == 'EXEC':
            return reply is not None and all(self.is_look(*part) for part in zip(request[1:], reply))
        return name in LOOKS or isinstance(reply, tuple) or name in MAY_FAIL and reply in (0, None)

    def marks(self, state):
        """Families, and watches of which no key was written to."""
        return families(value for _, value in state[0]) | {w[:2] for w in state[1] if not w[2]}

    def needs(self, operations):
        found, watches = {}, {}

        def note(marks, bit, is_maker):
            for mark in marks:
                makers, viewers = found.get(mark, (0, 0))
                found[mark] = (makers | bit, viewers) if is_maker else (makers, viewers | bit)

        for at, operation in enumerate(operations):
            client, request, bit = operation.client, operation.request, 1 << at
            if request[0] == 'WATCH':
                watches.setdefault(client, []).append((client, request[1:]))
                note(watches[client][-1:], bit, True)
                continue
            written = families_written(request)
            note(written, bit, True)
            note(families([operation.reply]) - written, bit, False)
            if request[0] == 'EXEC':
                own = watches.pop(client, [])
                if operation.reply is not None:
                    note(own, bit, False)
        return found

    def keys(self, request):
        """Of one request."""
        name, words = request[0], request[1:]
        if name == 'EXEC':
            return [key for part in words for key in self.keys(part)]
        if name in ('MSET', 'MSETNX'):
            return words[::2]
        if name in ('MGET', 'DEL', 'EXISTS', 'WATCH'):
            return words
        return words[:2] if name in ('RENAME', 'RENAMENX', 'LMOVE', 'SWAP') else words[:1]

    def ties(self, operation):
        """Its keys, and the client whose WATCH has to do with its EXEC."""
        request = operation.request
        return [*self.keys(request), *([('client', operation.client)] if request[0] in ('WATCH', 'EXEC') else [])]

    def apply(self, state, client, request):
        pairs, watches = state
        own = [w for w in watches if w[0] == client]
        if request[0] == 'WATCH':
            if any(is_written for _, _, is_written in own):
                return state, OK
            return (pairs, tuple(sorted({*watches, (client, request[1:], False)}))), OK
        if request[0] == 'EXEC':
            watches = tuple(w for w in watches if w[0] != client)
            if any(is_written for _, _, is_written in own):
                return (pairs, watches), None
        contents = Contents(pairs)
        if request[0] == 'EXEC':
            reply = [contents.run(part) for part in request[1:]]
        else:
            reply = contents.run(request)
        if contents.written:
            pairs = tuple(sorted(contents.values.items()))
            watches = touched(watches, contents.written)
        return (pairs, watches), reply
