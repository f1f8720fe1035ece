"""What clients of several shards are told without asking: parts of test_shards.py.

  listeners   events and messages: each client's in the order in which it brought them about, on every shard
  caches      what clients that track keep is in the end what the server has
  monitors    all monitors see the same lines, each client's in its order
"""
import threading
import time

from penstock import decode
from shards_kit import Names, connect_to_each, send_all, side_by_side

EVENTS, SEEN, CACHES_S = 600, 300, 2.0


class Told:
    """Of class Shards, which has the server."""

    # ---- listeners

    def listeners(self):
        """Writers that wait for each answer: key events, and messages that they publish between them."""
        names = Names(self.shard_count, 'event')
        keys = names.spread(2 * self.shard_count)
        subscribers = connect_to_each(self.server, self.shard_count)
        with self.server.connect() as c:
            c.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
        for subscriber in subscribers:
            subscriber.call('PSUBSCRIBE', '*')
        writers = connect_to_each(self.server, self.shard_count)
        works = [(self.bring_about, self.rng('listeners/%d' % i), i, writer, keys, len(subscribers)) for i, writer in enumerate(writers)]
        counts = side_by_side(works)
        for subscriber in subscribers:
            next_number = [0] * len(writers)
            while min(next_number) < EVENTS:
                _, _, channel, message = decode(subscriber.read_raw())
                if channel.startswith(b'__keyspace@0__:own'):
                    writer = int(channel.decode().split(':own')[1].split('-')[0])
                    assert next_number[writer] % 2 == 0, 'an event of writer %d too soon' % writer
                elif channel.startswith(b'said'):
                    writer = int(channel[4:])
                    assert next_number[writer] % 2 == 1 and int(message) == next_number[writer], 'a message of writer %d too soon' % writer
                else:
                    continue
                next_number[writer] += 1
        with self.server.connect() as c:
            c.call('CONFIG', 'SET', 'notify-keyspace-events', '')
        for connection in subscribers + writers:
            connection.close()
        return 'events and messages %d' % sum(counts)

    def bring_about(self, rng, index, connection, keys, receivers):
        names = Names(self.shard_count, 'own%d-' % index)
        own = names.spread(self.shard_count)
        for number in range(0, EVENTS, 2):
            connection.call('SET', rng.choice(own), number)
            count = connection.call('PUBLISH', 'said%d' % index, number + 1)
            assert count == receivers, 'PUBLISH reached %r of %d' % (count, receivers)
            if rng.random() < 0.3:
                connection.call('MSET', *[w for key in rng.sample(keys, 2) for w in (key, number)])
        return EVENTS

    # ---- caches

    def caches(self):
        keys = Names(self.shard_count, 'cached').spread(3 * self.shard_count)
        readers, writers = connect_to_each(self.server, self.shard_count), connect_to_each(self.server, self.shard_count)
        is_over = threading.Event()
        works = [(self.keep_cache, self.rng('caches/r%d' % i), reader, keys, i % 2 == 1, is_over) for i, reader in enumerate(readers)]
        works += [(self.write_cached, self.rng('caches/w%d' % i), writer, keys, is_over) for i, writer in enumerate(writers)]
        found = side_by_side(works)
        for connection in readers + writers:
            connection.close()
        return 'reads %d, writes %d' % (sum(found[:len(readers)]), sum(found[len(readers):]))

    def write_cached(self, rng, connection, keys, is_over):
        end, count = time.monotonic() + CACHES_S, 0
        while time.monotonic() < end:
            some = rng.sample(keys, rng.choice([1, 1, 2, 3]))
            connection.call('MSET', *[w for key in some for w in (key, rng.randrange(1 << 30))])
            count += 1
            time.sleep(rng.random() * 0.002)
        is_over.set()
        time.sleep(0.3)  # until those who write beside it have seen the end, too
        return count

    def keep_cache(self, rng, connection, keys, is_broadcast, is_over):
        """Reads in pipelines, keeps what it reads, and forgets what it is told to."""
        connection.call('HELLO', '3')
        connection.call('CLIENT', 'TRACKING', 'ON', *(['BCAST', 'PREFIX', 'cached'] if is_broadcast else []))
        cache, count = {}, 0

        def hear(asked):
            raw = connection.read_raw()
            while raw.startswith(b'>'):
                for key in decode(raw)[1] or list(cache):
                    cache.pop(key.decode() if isinstance(key, bytes) else key, None)
                raw = connection.read_raw()
            if asked:
                cache[asked] = decode(raw)

        while not is_over.is_set():
            some = rng.choices(keys, k=rng.randrange(1, 20))
            connection.send(*[('GET', key) for key in some])
            for key in some:
                hear(key)
            count += len(some)
        time.sleep(0.5)  # writers come to their end
        for _ in range(2):
            connection.send(('PING',))
            hear(None)
            time.sleep(0.1)
        kept = dict(cache)
        for key, value in kept.items():
            connection.send(('GET', key))
            raw = connection.read_raw()
            while raw.startswith(b'>'):
                raw = connection.read_raw()
            assert decode(raw) == value, '%s is kept as %r, and is %r' % (key, value, decode(raw))
        return count

    # ---- monitors

    def monitors(self):
        keys = Names(self.shard_count, 'seen').spread(2 * self.shard_count)
        monitors, writers = connect_to_each(self.server, self.shard_count), connect_to_each(self.server, self.shard_count)
        for monitor in monitors:
            assert monitor.call('MONITOR') == b'OK'
        side_by_side([(self.be_seen, self.rng('monitors/%d' % i), i, writer, keys) for i, writer in enumerate(writers)])
        writers[0].call('ECHO', 'end-of-lines')
        shown = []
        for monitor in monitors:
            lines = []
            while not lines or b'end-of-lines' not in lines[-1]:
                lines.append(monitor.read_raw())
            shown.append(lines)
        for lines in shown[1:]:
            assert lines == shown[0], 'monitors saw %d and %d lines, or others' % (len(lines), len(shown[0]))
        for index in range(len(writers)):
            own = [int(line.split(b'"')[-2].split(b'-')[1]) for line in shown[0] if b'"w%d-' % index in line]
            assert own == sorted(own) and len(own) >= SEEN, 'lines of client %d: %r' % (index, own[:100])
        for connection in monitors + writers:
            connection.close()
        return 'lines %d' % len(shown[0])

    def be_seen(self, rng, index, connection, keys):
        for number in range(SEEN):
            value = 'w%d-%d' % (index, number)
            one, other = rng.sample(keys, 2)
            way = rng.random()
            if way < 0.6:
                connection.call('SET', one, value)
            elif way < 0.8:
                connection.call('MSET', one, 'x', other, value)
            elif way < 0.9:
                send_all(connection, ['MULTI'], ['SET', one, value], ['SET', other, value], ['EXEC'])
            else:
                connection.call('EVAL', "return redis.call('SET', KEYS[1], ARGV[1])", 1, one, value)
