#!/usr/bin/env python3
"""The judge of histories, on histories that are known to be good or bad, and on random ones of a real thread."""
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linearizable import BAD, GOOD, SMALL, UNKNOWN, Operation, check, core, parts  # noqa: E402
from store_model import StoreModel  # noqa: E402

SEED = int(os.environ.get('PENSTOCK_TEST_SEED') or random.SystemRandom().randrange(1 << 32))
FOREVER = None


def op(client, called, returned, reply, *request):
    return Operation(client, request, reply, called, returned)


def set_x(client, called, returned, value, key='x'):
    return op(client, called, returned, b'OK', 'SET', key, value)


def get_x(client, called, returned, value, key='x'):
    return op(client, called, returned, value, 'GET', key)


class Judge(unittest.TestCase):
    def expect(self, outcome, *history):
        for order in (list(history), list(history)[::-1]):
            if len({o.called_ns for o in order}) < len(order) and order != list(history):
                continue  # the order of equals has a meaning
            verdict = check(order, StoreModel())
            self.assertEqual(verdict.outcome, outcome, verdict.why)
        return verdict

    def test_nothing_is_good(self):
        self.expect(GOOD)

    def test_one_after_the_other_is_good(self):
        self.expect(GOOD, set_x(1, 0, 1, 'a'), get_x(2, 2, 3, b'a'))

    def test_a_stale_read_is_bad(self):
        self.expect(BAD, set_x(1, 0, 1, 'a'), set_x(1, 2, 3, 'b'), get_x(2, 4, 5, b'a'))

    def test_a_value_from_nowhere_is_bad(self):
        self.expect(BAD, set_x(1, 0, 9, 'a'), get_x(2, 1, 2, b'c'))

    def test_a_read_beside_a_write_sees_either(self):
        for value in (None, b'a'):
            self.expect(GOOD, set_x(1, 0, 9, 'a'), get_x(2, 1, 2, value))

    def test_what_was_seen_stays_seen(self):
        self.expect(GOOD, set_x(1, 0, 9, 'a'), get_x(2, 1, 2, None), get_x(3, 3, 4, b'a'))
        self.expect(BAD, set_x(1, 0, 9, 'a'), get_x(2, 1, 2, b'a'), get_x(3, 3, 4, None))

    def test_a_write_of_what_is_there_may_be_needed_later(self):
        again = [set_x(1, 0, 1, 'a'), set_x(2, 2, 99, 'a'), set_x(3, 2, 10, 'b')]
        self.expect(GOOD, *again, get_x(4, 11, 12, b'b'), get_x(4, 13, 14, b'a'))
        self.expect(GOOD, *again, get_x(4, 11, 12, b'b'), get_x(4, 100, 101, b'b'))

    def test_touching_ends_are_no_order(self):
        self.expect(GOOD, set_x(1, 0, 5, 'a'), get_x(2, 5, 6, None))

    def test_two_counts_of_the_same_number_are_bad(self):
        self.expect(BAD, op(1, 0, 5, 1, 'INCR', 'n'), op(2, 1, 6, 1, 'INCR', 'n'))
        self.expect(GOOD, op(1, 0, 5, 2, 'INCR', 'n'), op(2, 1, 6, 1, 'INCR', 'n'))

    def test_what_has_no_answer_may_have_happened(self):
        self.expect(GOOD, set_x(1, 0, 1, 'a'), set_x(2, 2, FOREVER, 'b'), get_x(3, 4, 5, b'b'))

    def test_what_has_no_answer_may_not_have_happened(self):
        self.expect(GOOD, set_x(1, 0, 1, 'a'), set_x(2, 2, FOREVER, 'b'), get_x(3, 4, 5, b'a'))

    def test_what_has_no_answer_may_happen_late(self):
        self.expect(GOOD, set_x(1, 0, 1, 'a'), set_x(2, 2, FOREVER, 'b'), get_x(3, 4, 5, b'a'), get_x(3, 6, 7, b'b'))

    def test_what_has_no_answer_happens_but_once(self):
        self.expect(BAD, set_x(1, 0, 1, 'a'), set_x(2, 2, FOREVER, 'b'), get_x(3, 4, 5, b'b'), get_x(3, 6, 7, b'a'))
        self.expect(BAD, op(1, 0, FOREVER, None, 'INCR', 'n'), get_x(2, 1, 2, b'2', 'n'))

    def test_what_has_no_answer_happens_not_before_its_call(self):
        self.expect(BAD, get_x(2, 1, 2, b'b'), set_x(1, 3, FOREVER, 'b'))

    def test_a_pipeline_keeps_its_order(self):
        self.expect(GOOD, set_x(1, 0, 5, 'a'), get_x(1, 0, 5, b'a'))
        self.expect(BAD, set_x(1, 0, 5, 'a'), get_x(1, 0, 5, None))
        self.expect(GOOD, set_x(1, 0, 5, 'a'), get_x(2, 0, 5, None))

    def test_a_pipeline_without_answers_keeps_its_order(self):
        lost = [set_x(1, 0, FOREVER, 'a'), get_x(1, 0, FOREVER, None), set_x(1, 0, FOREVER, 'b')]
        self.expect(GOOD, *lost, get_x(2, 1, 2, b'a'), get_x(2, 3, 4, b'b'))
        self.expect(BAD, *lost, get_x(2, 1, 2, b'b'), get_x(2, 3, 4, b'a'))

    def test_a_pipeline_may_be_done_at_once_in_several_places(self):
        class Loose(StoreModel):
            def is_ordered(self, earlier, later):
                return self.keys(earlier.request) == self.keys(later.request)
        history = [set_x(1, 0, 5, 'a', 'x'), set_x(1, 0, 5, 'b', 'y'), op(2, 1, 2, [None, b'b'], 'MGET', 'x', 'y')]
        self.assertEqual([check(history, m()).outcome for m in (StoreModel, Loose)], [BAD, GOOD])
        again = [set_x(1, 0, 5, 'a'), set_x(1, 0, 5, 'b'), get_x(2, 6, 7, b'a')]
        self.assertEqual(check(again, Loose()).outcome, BAD)

    def test_two_keys_change_at_one_moment(self):
        both = op(1, 0, 9, b'OK', 'MSET', 'x', 'a', 'y', 'a')
        self.expect(GOOD, both, op(2, 1, 2, [None, None], 'MGET', 'x', 'y'), op(2, 3, 4, [b'a', b'a'], 'MGET', 'x', 'y'))
        self.expect(BAD, both, op(2, 1, 2, [b'a', None], 'MGET', 'x', 'y'))
        self.expect(BAD, both, get_x(2, 1, 2, b'a', 'y'), get_x(2, 3, 4, None, 'x'))

    def test_readers_agree_on_the_order_of_writes(self):
        writes = [set_x(1, 0, 9, 'a', 'x'), set_x(2, 0, 9, 'b', 'y')]
        self.expect(BAD, *writes, op(3, 1, 2, [b'a', None], 'MGET', 'x', 'y'), op(4, 1, 2, [None, b'b'], 'MGET', 'x', 'y'))

    def test_keys_apart_are_judged_apart(self):
        history = [set_x(1, 0, 1, 'a', 'x'), set_x(1, 2, 3, 'a', 'y'), op(2, 4, 5, 0, 'EXISTS', 'z', 'x'), get_x(1, 6, 7, b'a', 'z')]
        self.assertEqual(sorted(len(p) for p in parts(history, StoreModel())), [1, 3])
        self.expect(BAD, *history)

    def test_a_watched_key_tells(self):
        history = [op(1, 0, 1, b'OK', 'WATCH', 'x'), set_x(2, 2, 3, 'a')]
        self.expect(GOOD, *history, op(1, 4, 5, None, 'EXEC', ('INCR', 'x')))
        self.expect(BAD, *history, op(1, 4, 5, [('error', 'ERR')], 'EXEC', ('INCR', 'x')))
        self.expect(GOOD, *history, op(1, 4, 5, None, 'EXEC', ('INCR', 'x')), op(1, 6, 7, [b'a'], 'EXEC', ('GET', 'x')))
        self.expect(BAD, op(1, 0, 1, b'OK', 'WATCH', 'x'), set_x(2, 2, 3, 'a', 'y'), op(1, 4, 5, None, 'EXEC', ('GET', 'x'), ('GET', 'y')))

    def test_it_says_what_does_not_fit(self):
        verdict = self.expect(BAD, set_x(1, 0, 1, 'a'), get_x(2, 4, 5, b'c'))
        self.assertIn("would answer b'a': client 2, called 4: ('GET', 'x') -> b'c', returned 5", verdict.why)

    def test_it_finds_the_core(self):
        history = [set_x(1, 0, 1, 'a'), get_x(2, 0, 1, None), set_x(1, 2, 3, 'b'), set_x(2, 2, 3, 'c', 'y'), get_x(3, 4, 5, b'a')]
        found = core(history, StoreModel())
        self.assertEqual([o.request for o in found if o.returned_ns], [('SET', 'x', 'b'), ('GET', 'x')])
        self.assertEqual(check(found, StoreModel()).outcome, BAD)

    def test_it_gives_up_in_time(self):
        start = time.monotonic()
        texts = [op(i, 0, 1000, b'OK', 'MSET', 'x', str(i), 'y%d' % i, str(i)) for i in range(60)]
        verdict = check(texts + [get_x(99, 2000, 2001, b'no')], StoreModel(), seconds=0.05)
        self.assertEqual((verdict.outcome, verdict.is_good), (UNKNOWN, False))
        self.assertLess(time.monotonic() - start, 2)

    def test_a_small_history_is_decided_whatever_the_time(self):
        history = [op(i, 0, 1000, b'OK', 'MSET', 'x', str(i), 'y', str(i)) for i in range(SMALL - 7)]
        verdict = check(history + [get_x(99, 2000, 2001, b'no')], StoreModel(), seconds=0)
        self.assertEqual(verdict.outcome, BAD)


class Store:
    """Histories made by running the model itself: good by construction, until an answer is changed."""
    NAMES = ['x', 'y', 'z']

    def __init__(self, rng):
        self.rng, self.model, self.number = rng, StoreModel(), 0

    def request(self):
        r, self.number = self.rng, self.number + 1
        a, b = r.sample(self.NAMES, 2)
        value = 'v%d' % self.number
        return r.choice([('GET', a), ('SET', a, value), ('INCR', a), ('MGET', *self.NAMES), ('MSET', a, value, b, value), ('DEL', a), ('RENAME', a, b),
                         ('RPUSH', a, value), ('LMOVE', a, b, 'LEFT', 'RIGHT'), ('SWAP', a, b, value, value), ('EXEC', ('INCR', a), ('GET', b)),
                         ('WATCH', a)])

    def history(self, clients=4, count=40):
        """Each operation happens at its own moment, and seems to take up to some moments more on either side."""
        state, history, free = self.model.initial, [], [0] * clients
        for moment in range(0, 10 * count, 10):
            client = self.rng.randrange(clients)
            called = max(free[client], moment - self.rng.randrange(60))
            if called > moment:
                continue
            request = self.request()
            state, reply = self.model.apply(state, client, request)
            free[client] = moment + self.rng.randrange(1, 60)
            history.append(Operation(client, request, reply, called, free[client]))
        self.rng.shuffle(history)
        return history


class RandomHistories(unittest.TestCase):
    def setUp(self):
        self.store = Store(random.Random('linearizable/%d' % SEED))

    def test_what_one_thread_did_is_good(self):
        for _ in range(20):
            verdict = check(self.store.history(), StoreModel())
            self.assertTrue(verdict.is_good, verdict.why)

    def test_a_lost_answer_changes_nothing(self):
        for _ in range(20):
            history = self.store.history()
            for operation in history:
                if operation.called_ns == max(o.called_ns for o in history if o.client == operation.client):
                    operation.reply = operation.returned_ns = None
            verdict = check(history, StoreModel())
            self.assertTrue(verdict.is_good, verdict.why)

    def test_an_answer_of_another_world_is_bad(self):
        for _ in range(20):
            history = self.store.history(count=25)
            self.store.rng.choice(history).reply = b'never'
            self.assertEqual(check(history, StoreModel()).outcome, BAD)


if __name__ == '__main__':
    print('seed %d (again: PENSTOCK_TEST_SEED=%d)' % (SEED, SEED), flush=True)
    unittest.main()
