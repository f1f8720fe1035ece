"""What the tests of several shards share: keys by shard, requests of store_model on the wire, connections by home, and
clients that play at once and write down what they saw.
"""
import binascii
import selectors
import threading
import time

from linearizable import Operation
from penstock import ReplyError, _decode, decode, encode
from store_model import StoreModel

SLOT_COUNT = 16384
PATIENCE_S = 20
SWAP = "local old = redis.call('MGET', KEYS[1], KEYS[2]) redis.call('MSET', KEYS[1], ARGV[1], KEYS[2], ARGV[2]) return old"
CONNECTIONS_PER_HOME = 64
NEXT_CLIENT = 1000


def shard_of(name, shard_count):
    """The owner of a key without a hash tag, as the server starts."""
    return binascii.crc_hqx(name.encode(), 0) % SLOT_COUNT * shard_count // SLOT_COUNT


class Names:
    """Fresh names of keys."""

    def __init__(self, shard_count, prefix):
        self.shard_count, self.prefix, self.number = shard_count, prefix, 0

    def on(self, shard):
        while True:
            self.number += 1
            name = '%s%d' % (self.prefix, self.number)
            if shard_of(name, self.shard_count) == shard:
                return name

    def spread(self, count, first=0):
        """On as many shards as can be."""
        return [self.on((first + i) % self.shard_count) for i in range(count)]


def about_watches(earlier, later):
    """Wherever the keys lie, EXEC is about the watches that the client had until then."""
    return {earlier.request[0], later.request[0]} <= {'WATCH', 'EXEC'}


class ShardedModel(StoreModel):
    """What a connection has under way on several shards is done at the same time; what needs several of them at once
    waits for all that was sent before, and what comes behind waits for it; an EXEC in vain needs none. Strict: pipelines are done in their order."""

    def __init__(self, shard_count, is_strict=False):
        self.shard_count, self.is_strict = shard_count, is_strict

    @staticmethod
    def seen(operation):
        return operation

    def shards_of(self, operation):
        """An EXEC in vain touches none."""
        if operation.request[0] == 'EXEC' and operation.reply is None:
            return set()
        return {shard_of(key, self.shard_count) for key in self.keys(operation.request)}

    def is_ordered(self, earlier, later):
        before, after = self.shards_of(earlier), self.shards_of(later)
        return self.is_strict or about_watches(earlier, later) or before == after or len(before) > 1 or len(after) > 1


class MovingModel(StoreModel):
    """Slots move meanwhile: of a pipeline only what has a key in common has an order. And a move counts as a change of
    what is watched: an EXEC in vain says nothing but that the watches are gone; it is ('EXEC',) here."""

    @staticmethod
    def seen(operation):
        if operation.request[0] == 'EXEC' and operation.returned_ns and operation.reply is None:
            operation.request = ('EXEC',)
        return operation

    def apply(self, state, client, request):
        if request == ('EXEC',):
            contents, watches = state
            return (contents, tuple(w for w in watches if w[0] != client)), None
        return super().apply(state, client, request)

    def is_ordered(self, earlier, later):
        return about_watches(earlier, later) or bool(set(self.keys(earlier.request)) & set(self.keys(later.request)))


def commands_of(request):
    """The commands that a request of the model is on the wire; its reply is the last one's."""
    name, words = request[0], request[1:]
    if name == 'EXEC':
        return [('MULTI',), *[c for part in words for c in commands_of(part)], ('EXEC',)]
    if name == 'SWAP':
        return [('EVAL', SWAP, 2, *words)]
    return [request + ('0', '-1') if name == 'LRANGE' else request]


def plain(reply):
    """A reply as the model has it."""
    if isinstance(reply, ReplyError):
        return 'error', str(reply).split(' ')[0]
    return [plain(r) for r in reply] if isinstance(reply, list) else reply


def reply_of(request, replies):
    """Of a request's commands; what came before EXEC's has to be as it always is."""
    if request[0] == 'EXEC':
        expected = [b'OK'] + [b'QUEUED'] * (len(replies) - 2)
        assert replies[:-1] == expected, '%r: %r' % (request, replies)
    for reply in replies:
        assert not (isinstance(reply, ReplyError) and 'several shards' in str(reply)), '%r: %s' % (request, reply)
    return plain(replies[-1])


def home_of(connection, shard_count):
    return connection.call('CLIENT', 'ID') % shard_count


def connect_to_each(server, shard_count):
    """A connection per shard; the others that were needed to find them are closed."""
    found, others = {}, []
    while len(found) < shard_count:
        connection = server.connect(PATIENCE_S)
        if found.setdefault(home_of(connection, shard_count), connection) is not connection:
            others.append(connection)
        assert len(others) < CONNECTIONS_PER_HOME * shard_count, 'connections only on shards %s' % sorted(found)
    for connection in others:
        connection.close()
    return [found[i] for i in range(shard_count)]


class Player:
    """One client: sends bursts of requests in one write each, the next when the last is answered."""

    def __init__(self, server, number):
        self.server, self.number = server, number
        self.connection = server.connect(PATIENCE_S)
        self.bursts, self.waiting, self.buffer, self.replies = [], [], b'', []

    def send(self):
        """The next burst; False when there is none."""
        if not self.bursts:
            return False
        burst = self.bursts.pop(0)
        wire = b''.join(encode(c) for request in burst for c in commands_of(request))
        called_ns = time.monotonic_ns()
        self.waiting = [Operation(self.number, request, None, called_ns) for request in burst]
        self.connection.socket.sendall(wire)
        return True

    def receive(self):
        """What there is; returns the operations that it completes."""
        data = self.connection.socket.recv(1 << 16)
        now_ns = time.monotonic_ns()
        assert data, 'the server closed a connection'
        self.buffer += data
        done, at = [], 0
        while at < len(self.buffer):
            try:
                reply, end = _decode(self.buffer, at)
            except (ValueError, IndexError):
                break
            if end > len(self.buffer):
                break
            at = end
            self.replies.append(reply)
            if len(self.replies) == len(commands_of(self.waiting[0].request)):
                operation = self.waiting.pop(0)
                operation.reply, operation.returned_ns = reply_of(operation.request, self.replies), now_ns
                self.replies = []
                done.append(operation)
        self.buffer = self.buffer[at:]
        return done

    def vanish(self, burst):
        """Sends a last burst and is gone without an answer; comes back on another connection, as another client."""
        self.bursts = [burst]
        self.send()
        self.connection.close()
        lost, self.waiting, self.number = self.waiting, [], self.number + NEXT_CLIENT
        self.connection = self.server.connect(PATIENCE_S)
        return lost


def play(players):
    """All play their bursts at once; the history."""
    history, selector = [], selectors.DefaultSelector()
    for player in players:
        if player.send():
            selector.register(player.connection.socket, selectors.EVENT_READ, player)
    while selector.get_map():
        ready = selector.select(PATIENCE_S)
        assert ready, 'no answer to %r' % [str(k.data.waiting[0]) for k in selector.get_map().values()]
        for key, _ in ready:
            history += key.data.receive()
            if not key.data.waiting and not key.data.send():
                selector.unregister(key.fileobj)
    selector.close()
    return history


def send_all(connection, *requests):
    """In one write; the replies, none of which is an error."""
    connection.send(*requests)
    replies = [decode(connection.read_raw()) for _ in requests]
    for reply in replies + (replies[-1] if isinstance(replies[-1], list) else []):
        assert not isinstance(reply, ReplyError), '%r: %s' % (requests, reply)
    return replies


def side_by_side(works):
    """Functions and their arguments, each on a thread; what they return."""
    results, errors = [None] * len(works), []

    def run(index, function, *arguments):
        try:
            results[index] = function(*arguments)
        except BaseException as e:  # handed to the caller
            errors.append(e)

    threads = [threading.Thread(target=run, args=(i, *work)) for i, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
