#!/usr/bin/env python3
"""Penstock on its NIC transport, the Linux kernel's TCP as the client, over a veth pair: what a server has to bear.

    test_nic.py [Class.test ...]        as root; $PENSTOCK_BUILD, $PENSTOCK_TEST_SEED as in test_faults.py

Runs on AF_XDP, or on af_packet where that does not start; the first line of each test's output says which.
"""
import contextlib
import errno
import os
import socket
import struct
import sys
import threading
import time
import zlib

from kit import (MB, PATIENCE_S, Case, Load, Prober, alive, cpu_s, info, kill, main, number, rng, shards, stream_get, until)
from penstock import encode
from penstock_nic import DEVICES, NicPenstock
from test_tcp_kernel import CLIENT4, SERVER4

BIG_BYTES = 100 * MB
KEPT_BYTES = 4 * MB
FLOOD_COUNT = 200000


Server = NicPenstock


def net(connection, name):
    """A counter of the NIC transport."""
    return int(info(connection, 'ledger')['net_' + name])


class NicCase(Case):
    server_class = Server

    def small_window(self, server):
        """A connection that announces little room, so that what it does not read stays with the server."""
        c = server.connect()
        self.addCleanup(c.close)
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        return c


class Serving(NicCase):
    def test_commands_pipelines_and_both_protocol_versions(self):
        server = self.start()
        c = self.connect(server)
        self.assertEqual(c.call('SET', 'k', bytes(range(256))), b'OK')
        self.assertEqual(c.call('GET', 'k'), bytes(range(256)))
        self.assertEqual(c.call('MGET', 'k', 'absent'), [bytes(range(256)), None])
        c.send(*[['INCR', 'n']] * 20000)
        self.assertTrue([c.read_raw() for _ in range(20000)] == [b':%d\r\n' % (i + 1) for i in range(20000)])
        self.assertIn(b'proto', c.call('HELLO', 3))
        self.assertEqual(c.call_raw('GET', 'absent'), b'_\r\n')
        self.assertRegex(c.call('CLIENT', 'INFO').decode(), r'addr=%s:\d+ laddr=%s:%d ' % (CLIENT4, SERVER4, server.port))

    def test_bytes_one_by_one_are_read_as_a_request(self):
        server = self.start()
        slow = self.connect(server)
        request = encode(['SET', 'slow', 'drop by drop'])
        with Prober(server) as prober:
            for i in range(len(request)):
                slow.socket.sendall(request[i:i + 1])
                prober.wait_answers(10)
            self.assertEqual(slow.read_raw(), b'+OK\r\n')
            self.expect_answered(prober)

    def test_100_mb_go_in_and_come_back(self):
        server = self.start()
        c = self.connect(server)
        block = rng('100 MB').randbytes(MB)
        used = number(c, 'used_memory', 'memory')
        with Prober(server) as prober:
            start = time.monotonic()
            c.socket.sendall(b'*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n' % BIG_BYTES)
            crc = 0
            for i in range(BIG_BYTES // MB):
                part = struct.pack('>I', i) + block[4:]
                crc = zlib.crc32(part, crc)
                c.socket.sendall(part)
            c.socket.sendall(b'\r\n')
            self.assertEqual(c.read_raw(), b'+OK\r\n')
            middle, back = time.monotonic(), 0
            for part in stream_get(c, 'big', BIG_BYTES):
                back = zlib.crc32(part, back)
            self.assertEqual(back, crc)
            print('    in at %.0f MB/s, out at %.0f MB/s' % (100 / (middle - start), 100 / (time.monotonic() - middle)))
            self.expect_answered(prober)
        self.assertEqual(c.call('DEL', 'big'), 1)
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)

    def test_1000_connections_are_all_answered_and_leave_nothing(self):
        server = self.start()
        c = self.connect(server)
        used = number(c, 'used_memory', 'memory')
        clients = [self.connect(server) for _ in range(1000)]
        with Prober(server) as prober:
            for turn in range(5):
                for i, other in enumerate(clients):
                    other.send(['SET', 'k%d' % i, '%d/%d' % (i, turn)], ['GET', 'k%d' % i])
                for i, other in enumerate(clients):
                    self.assertEqual(other.read_raw(), b'+OK\r\n')
                    text = b'%d/%d' % (i, turn)
                    self.assertEqual(other.read_raw(), b'$%d\r\n%s\r\n' % (len(text), text))
            self.assertEqual(number(c, 'connected_clients', 'clients'), 1002)
            self.expect_answered(prober)
        for other in clients:
            other.close()
        self.wait_clients(c)
        self.assertEqual(c.call('FLUSHALL'), b'OK')
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)

    def test_a_client_that_half_closes_gets_all_its_replies_and_then_the_end(self):
        server = self.start()
        c = self.connect(server)
        c.call('SET', 'k', b'x' * 10000)
        c.send(*[['GET', 'k']] * 1000)
        c.socket.shutdown(socket.SHUT_WR)
        for _ in range(1000):
            self.assertTrue(c.read_raw() == b'$10000\r\n' + b'x' * 10000 + b'\r\n')
        self.expect_closed(c)
        self.wait_clients(self.connect(server))

    def test_a_client_that_the_server_closes_keeps_no_place_by_not_closing_its_side(self):
        server = self.start()
        c, quitter, mad, killed = [self.connect(server) for _ in range(4)]
        self.assertEqual(quitter.call('QUIT'), b'OK')
        mad.socket.sendall(b'*1\r\n+\r\n')
        self.assertTrue(mad.read_raw().startswith(b'-ERR Protocol error'))
        self.assertEqual(c.call('CLIENT', 'KILL', 'ID', killed.call('CLIENT', 'ID')), 1)
        until('only one client is left', lambda: number(c, 'connected_clients', 'clients') == 1, 10)
        for other in (quitter, mad, killed):
            self.expect_closed(other)

    def test_the_port_can_be_changed_while_it_runs(self):
        server = self.start()
        c, old = self.connect(server), server.port
        server.port = old % 20000 + 20001  # nobody else is there
        self.assertEqual(c.call('CONFIG', 'SET', 'port', server.port), b'OK')
        self.assertEqual(self.connect(server).call('PING'), b'PONG')
        self.assertEqual(c.call('PING'), b'PONG', 'who is connected stays')
        with socket.socket() as s:
            self.assertEqual(s.connect_ex((server.host, old)), errno.ECONNREFUSED)

    def test_a_dataplane_killed_under_load_is_replaced_on_the_same_port(self):
        server = self.start()
        old = self.dataplane(server)
        with Load(server) as load:
            load.wait_progress()
            kill(old)
            until('the dataplane ends', lambda: not alive(old))
            load.wait_progress()
        self.assertIsNone(load.wrong)
        self.assertTrue(all(load.lost))
        self.assertNotEqual(self.dataplane(server), old)

    def test_an_idle_server_leaves_the_core_to_others(self):
        server = self.start()
        pid, span_s = self.dataplane(server), 2
        before = cpu_s(pid)
        time.sleep(span_s)  # a measurement, nothing is waited for
        share = (cpu_s(pid) - before) / span_s
        print('    idle: %.1f %% of a core' % (100 * share))
        self.assertLess(share, 0.5)
        c = self.connect(server)  # a nap must not become a sleep
        start = time.monotonic()
        for _ in range(100):
            c.call('PING')
        self.assertLess((time.monotonic() - start) / 100, 0.02)


class SeveralShards(NicCase):
    SHARDS, CLIENTS = 3, 60

    def start_with(self, queues, devices=DEVICES):
        class WithQueues(Server):
            pass
        WithQueues.queues, WithQueues.devices = queues, devices
        self.server_class = WithQueues
        return self.start({'shards': self.SHARDS})

    def serve_on_all(self, server):
        clients = [self.connect(server) for _ in range(self.CLIENTS)]
        for i, c in enumerate(clients):
            c.send(['SET', 'k%d' % i, b'v' * 1000 * i], ['GET', 'k%d' % i], ['GET', 'k%d' % (i // 2)])
        for i, c in enumerate(clients):
            self.assertEqual(c.read_raw(), b'+OK\r\n')
            self.assertTrue(c.read_raw() == b'$%d\r\n%s\r\n' % (1000 * i, b'v' * 1000 * i))
            c.read_raw()
        homes = [c.call('CLIENT', 'ID') % self.SHARDS for c in clients]
        print('    clients by shard: %s' % [homes.count(i) for i in range(self.SHARDS)])
        self.assertEqual(set(homes), set(range(self.SHARDS)))
        # A frame that came to a stack that does not have its connection would have been answered by a reset.
        for name in ('drop_tcp_no_connection', 'tcp_resets_out'):
            self.assertEqual(net(clients[0], name), 0, name)
        return clients

    def test_one_queue_pair_serves_all_shards(self):
        self.serve_on_all(self.start_with(1))

    def test_each_shard_has_a_queue_pair_of_its_own(self):
        # AF_XDP finds one queue only at a veth's end, however many it has.
        self.serve_on_all(self.start_with(self.SHARDS, DEVICES[1:]))

    def test_two_queue_pairs_serve_three_shards(self):
        self.serve_on_all(self.start_with(2, DEVICES[1:]))

    def test_more_queue_pairs_than_shards_are_refused(self):
        with self.assertRaisesRegex(RuntimeError, '4 queues for 3 shards'):
            self.start_with(self.SHARDS + 1, DEVICES[1:])

    def test_all_shards_know_a_neighbour_whose_address_changes(self):
        server = self.start_with(1)
        clients = self.serve_on_all(server)
        bed = server.bed
        bed.in_client('ip', 'link', 'set', bed.client_if, 'address', '02:00:00:00:77:01')
        bed.in_client('ip', 'neigh', 'flush', 'all')  # it asks us, by which all shards hear of it
        for c in clients:
            self.assertEqual(c.call('PING'), b'PONG')

    def test_echo_and_arp_requests_are_answered_once(self):
        server = self.start_with(self.SHARDS, DEVICES[1:])
        c = self.connect(server)
        for _ in range(5):
            echoes, replies = net(c, 'icmp_echo'), net(c, 'arp_replies')
            server.bed.in_client('ip', 'neigh', 'flush', 'all')
            said = server.bed.in_client('ping', '-c', '1', '-W', '5', SERVER4)
            self.assertNotIn('DUP', said.stdout)
            self.assertEqual(net(c, 'icmp_echo'), echoes + 1)
            self.assertEqual(net(c, 'arp_replies'), replies + 1)


class Greedy(NicCase):
    def fill(self, c, count, value_bytes=MB):
        r = rng('greedy')
        values = [r.randbytes(value_bytes) for _ in range(count)]
        for i, value in enumerate(values):
            self.assertEqual(c.call('SET', 'big-%d' % i, value), b'OK')
        return values

    def owed_bytes(self, c):
        """omem of every client."""
        lines = c.call('CLIENT', 'LIST').decode().splitlines()
        return [int(word[5:]) for line in lines for word in line.split() if word.startswith('omem=')]

    def test_a_client_that_does_not_read_100_mb_delays_nobody_and_gets_them_when_it_does(self):
        server = self.start()
        c = self.connect(server)
        values = self.fill(c, 100)
        used = number(c, 'used_memory', 'memory')
        g = self.small_window(server)
        with Prober(server) as prober:
            g.send(*[['GET', 'big-%d' % i] for i in range(100)])
            until('the replies are owed', lambda: max(self.owed_bytes(c)) > 80 * MB)
            grown = number(c, 'used_memory', 'memory') - used
            print('    owed: %d MB; used_memory grew by %d MB' % (max(self.owed_bytes(c)) // MB, grown // MB))
            self.assertLess(grown, 110 * MB)
            self.assertEqual(c.call('FLUSHALL'), b'OK')
            self.expect_answered(prober)
            for value in values:
                self.assertTrue(g.read_raw() == b'$%d\r\n%s\r\n' % (len(value), value))
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < KEPT_BYTES)

    def test_the_hard_output_limit_ends_it_and_its_memory_returns(self):
        server = self.start()
        c = self.connect(server)
        self.assertEqual(c.call('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 16mb 0 0'), b'OK')
        self.fill(c, 100)
        used = number(c, 'used_memory', 'memory')
        before = number(c, 'client_output_buffer_limit_disconnections')
        g = self.small_window(server)
        with Prober(server) as prober:
            g.send(*[['GET', 'big-%d' % i] for i in range(100)])
            until('the greedy client is disconnected',
                  lambda: number(c, 'client_output_buffer_limit_disconnections') == before + 1)
            self.expect_answered(prober)
        self.wait_clients(c)
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)

    def test_clients_that_hold_all_packet_buffers_starve_nobody_and_get_all_in_the_end(self):
        """Far more is owed, in small replies that have to be copied, than the packet buffers hold."""
        server = self.start({'nic-frames': 1024, 'nic-rx-descriptors': 256, 'nic-tx-descriptors': 256})
        c = self.connect(server)
        value = self.fill(c, 1, 4000)[0]
        used = number(c, 'used_memory', 'memory')
        greedy, gets = [self.small_window(server) for _ in range(256)], 200  # 0.8 MB each
        with Prober(server) as prober:
            for g in greedy:
                g.send(*[['GET', 'big-0']] * gets)
            # What the kernel has taken on its side is no longer owed.
            until('the replies are owed', lambda: sum(self.owed_bytes(c)) > 64 * MB)
            spent = {n: net(c, n) for n in ('drop_no_buffer', 'drop_tcp_memory', 'tx_refused')}
            print('    owed: %d MB; %s' % (sum(self.owed_bytes(c)) // MB, spent))
            if not shards():  # several may find just enough each time
                self.assertGreater(sum(spent.values()), 0, 'the buffers were really used up')
            for _ in range(20):  # newcomers too
                self.assertEqual(self.connect(server).call('ECHO', value), value)
            self.expect_answered(prober)
            for g in greedy[::2]:
                g.close()
            for g in greedy[1::2]:
                for _ in range(gets):
                    self.assertTrue(g.read_raw() == b'$4000\r\n' + value + b'\r\n')
                g.close()
            self.expect_answered(prober)
        until('nothing is owed any more', lambda: sum(self.owed_bytes(c)) < 64 * 1024)
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)
        big = b'z' * 10 * MB  # and the buffers are there again
        self.assertEqual(c.call('SET', 'big', big), b'OK')
        self.assertTrue(c.call('GET', 'big') == big)


class Hostile(NicCase):
    def test_connections_that_come_and_are_reset_leave_nothing(self):
        server = self.start()
        c = self.connect(server)
        c.call('SET', 'big', b'x' * MB)
        used, r = number(c, 'used_memory', 'memory'), rng('resets')
        starts = [b'', b'PING\r\n', b'*2\r\n$3\r\nGET', encode(['GET', 'big']) * 5, r.randbytes(3000),
                  b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n' + b'y' * 200000]
        with Prober(server) as prober:
            start = time.monotonic()
            for _ in range(2000):
                s = socket.create_connection((server.host, server.port), PATIENCE_S)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.setblocking(False)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    s.send(r.choice(starts))
                s.close()
            print('    %d resets a second' % (2000 / (time.monotonic() - start)))
            self.expect_answered(prober)
        self.wait_clients(c)
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)

    def lossy(self, percent):
        """Frames are lost at random in both directions, in the client's kernel."""
        rule = 'numgen random mod 100 < %d drop' % percent
        bed = self.server.bed
        bed.in_client('nft', 'add table ip noise')
        bed.in_client('nft', 'add chain ip noise in { type filter hook input priority 0; }')
        bed.in_client('nft', 'add chain ip noise out { type filter hook output priority 0; }')
        bed.in_client('nft', 'add rule ip noise in ip saddr %s %s' % (SERVER4, rule))
        bed.in_client('nft', 'add rule ip noise out ip daddr %s %s' % (SERVER4, rule))

    def test_data_stay_whole_and_flow_when_5_percent_of_the_frames_are_lost(self):
        self.server = server = self.start()
        self.lossy(5)
        c = self.connect(server)
        value = rng('loss').randbytes(MB)
        with Load(server, client_count=8) as load:
            start = time.monotonic()
            self.assertEqual(c.call('SET', 'big', value), b'OK')
            middle = time.monotonic()
            self.assertTrue(c.call('GET', 'big') == value)
            end = time.monotonic()
            load.wait_progress(500)
        self.assertLess(end - start, 20)
        print('    1 MB in %.1f s, out %.1f s; %d retransmits' % (middle - start, end - middle, net(c, 'tcp_retransmits')))
        self.assertEqual((load.wrong, sum(load.lost)), (None, 0))
        self.assertGreater(net(c, 'tcp_retransmits'), 0)

    def syn(self, r, port):
        """One SYN from an address and port that nobody has; the kernel completes the IP header."""
        source = struct.pack('>I', 0xc6120000 | r.randrange(1, 1 << 17))  # 198.18.0.0/15, for tests of this kind
        target = socket.inet_aton(SERVER4)
        tcp = struct.pack('>HHIIBBHHHBBH', r.randrange(1024, 65536), port, r.randrange(1 << 32), 0, 6 << 4, 2, 64240, 0, 0,
                          2, 4, 1460)
        words = struct.unpack('>%dH' % ((12 + len(tcp)) // 2), source + target + struct.pack('>HH', 6, len(tcp)) + tcp)
        total = sum(words)
        total = (total & 0xffff) + (total >> 16)
        total = (total & 0xffff) + (total >> 16)
        tcp = tcp[:16] + struct.pack('>H', ~total & 0xffff) + tcp[18:]
        ip = struct.pack('>BBHHHBBH', 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0) + source + target
        return ip + tcp

    def flood(self, port, count):
        r = rng('flood')
        packets = [self.syn(r, port) for _ in range(count // 4)]
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for _ in range(4):  # as a client does that gets no answer
                for packet in packets:
                    with contextlib.suppress(BlockingIOError, OSError):  # a full queue loses it
                        raw.sendto(packet, (SERVER4, 0))

    def test_clients_are_served_during_a_syn_flood_and_come_in_by_cookies(self):
        server = self.start({'nic-gateway': CLIENT4})
        c = self.connect(server)
        used = number(c, 'used_memory', 'memory')
        with Prober(server) as prober, Load(server) as load:
            load.wait_progress()
            flood, start = threading.Thread(target=self.flood, args=(server.port, FLOOD_COUNT)), time.monotonic()
            flood.start()
            newcomers = 0
            while flood.is_alive():
                with server.connect() as newcomer:
                    self.assertEqual(newcomer.call('PING'), b'PONG')
                newcomers += 1
            flood.join()
            print('    %d SYNs a second; %d newcomers; cookies: %d sent, %d ok' % (
                FLOOD_COUNT / (time.monotonic() - start), newcomers, net(c, 'tcp_syn_cookies_sent'),
                net(c, 'tcp_syn_cookies_ok')))
            load.wait_progress()
            self.expect_answered(prober, 3)  # one segment lost to the flood, and its retransmission
        self.assertEqual((load.wrong, sum(load.lost)), (None, 0))
        self.assertGreater(net(c, 'tcp_syn_cookies_sent'), 1000)
        self.assertGreater(net(c, 'tcp_syn_cookies_ok'), 0)
        self.wait_clients(c)
        until('the memory returns', lambda: number(c, 'used_memory', 'memory') < used + KEPT_BYTES)


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('SKIP the NIC transport needs root')
        sys.exit(77)
    main()
