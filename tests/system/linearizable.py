"""Could one thread have done it? Judges a history of concurrent operations: whether there is an order of them, each at
one moment between its call and its return, in which a sequential model gives the very replies that were seen.

    history = [Operation(client, request, reply, called_ns, returned_ns), ...]
    verdict = check(history, model)
    assert verdict.is_good, verdict.why         # and core(history, model) is the little that is wrong with it

A model has
    initial                  the state before all; states are hashable values
    apply(state, client, request) -> (state, reply)
    ties(operation)          what it has to do with: histories that share nothing are judged apart
    is_ordered(earlier, later)  whether these two operations of one pipeline are done in that order
    is_look(request, reply)  whether that answer says that it changed nothing
    marks(state)             a set: what is in the state of which some answer gives evidence, such as a value written once
    needs(operations)        mark -> (makers, viewers), bits by place: only makers can put the mark into the state, and each
                             viewer's answer says that it was there

An operation without an answer (returned_ns None) may have happened at any time after its call, or never. Operations of
one client may be sent without awaiting the one before (pipelines): where the model says so they happen in the order in
which they were called, and in the order of the history when that is the same moment.

The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe ("Testing
for linearizability", 2017): the same set of operations done with the same state is never looked at twice. In addition,
what only looks, and sees the right thing, is done as soon as it may be: doing it later cannot help. And a way is left when
a mark is lost that somebody still has to see.

It takes exponential time in the worst case, which is why it is given up after a time: the verdict is UNKNOWN, and not
good. A history of up to SMALL operations is always decided.
"""
import dataclasses
import functools
import time
from typing import Any, Optional

GOOD, BAD, UNKNOWN = 'good', 'bad', 'unknown'
SMALL = 16
NEVER = 1 << 100
LOOK_AT_CLOCK_EVERY = 256
SHOWN = 12


@dataclasses.dataclass
class Operation:
    """Times are of one monotonic clock: called_ns before the request is sent, returned_ns after the reply is read."""
    client: Any
    request: Any
    reply: Any
    called_ns: int
    returned_ns: Optional[int] = None

    def __str__(self):
        answer = 'no answer' if self.returned_ns is None else '%r, returned %d' % (self.reply, self.returned_ns)
        return 'client %s, called %d: %r -> %s' % (self.client, self.called_ns, self.request, answer)


@dataclasses.dataclass
class Verdict:
    outcome: str
    operation_count: int = 0
    step_count: int = 0  # moments at which the search stood
    why: str = ''

    @property
    def is_good(self):
        return self.outcome == GOOD


class Search:
    """One history whose operations hang together."""

    def __init__(self, history, model, deadline_s):
        self.model, self.deadline_s = model, deadline_s if len(history) > SMALL else None
        self.operations = sorted(history, key=lambda o: o.called_ns)  # which keeps the order of equals
        self.returns = [NEVER if o.returned_ns is None else o.returned_ns for o in self.operations]
        self.all_done = sum(1 << i for i, o in enumerate(self.operations) if o.returned_ns is not None)
        self.before = self.same_client_before()
        self.leaders = functools.reduce(lambda a, b: a | b, self.before, 0)  # what others wait for
        self.needs, self.marks_of = model.needs(self.operations), {}
        self.step_count = 0
        self.best, self.best_state = 0, model.initial

    def same_client_before(self):
        """Of each operation, those of its client that have to be done first, as bits."""
        own, before = {}, []
        for i, operation in enumerate(self.operations):
            mine = own.setdefault(operation.client, [])
            before.append(sum(1 << j for j in mine if self.returns[j] >= operation.called_ns and
                              self.model.is_ordered(self.operations[j], operation)))
            mine.append(i)
        return before

    def candidates(self, done):
        """What may be next: nothing that is still to be done returned before it was called."""
        found, bound = [], NEVER + 1
        at = (~done & (done + 1)).bit_length() - 1  # the first that is not done
        while at < len(self.operations) and self.operations[at].called_ns <= bound:
            bit = 1 << at
            if not done & bit:
                bound = min(bound, self.returns[at])
                if self.before[at] & done == self.before[at]:
                    found.append(at)
            at += 1
        return found

    def marks(self, state):
        found = self.marks_of.get(state)
        if found is None:
            found = self.marks_of[state] = frozenset(self.model.marks(state))
        return found

    def is_lost(self, done, state, after):
        """A mark that was in state is not in after, comes never again, and is still to be seen."""
        for mark in self.marks(state) - self.marks(after):
            makers, viewers = self.needs.get(mark, (0, 0))
            if viewers & self.all_done & ~done and makers & ~done == 0:
                return True
        return False

    def steps(self, done, state):
        """What may be next and answers right, as (done, state): who returned last comes first, as the end of
        the list is tried first. Only one step when that is sure to be right."""
        found = []
        for at in self.candidates(done):
            operation, is_pending = self.operations[at], self.returns[at] == NEVER
            after, reply = self.model.apply(state, operation.client, operation.request)
            if is_pending:
                if after != state or self.leaders >> at & 1:
                    found.append((NEVER, done | 1 << at, after))
            elif reply == operation.reply:
                if after == state and self.model.is_look(operation.request, reply):
                    return [(done | 1 << at, state)]
                found.append((self.returns[at], done | 1 << at, after))
        found = [f for f in found if f[2] == state or not self.is_lost(f[1], state, f[2])]
        found.sort(key=lambda f: -f[0])
        return [f[1:] for f in found]

    def is_over(self):
        return self.deadline_s is not None and time.monotonic() > self.deadline_s

    def run(self):
        seen, stack = set(), [(0, self.model.initial)]
        while stack:
            done, state = stack.pop()
            if done & self.all_done == self.all_done:
                return GOOD
            if (done, state) in seen:
                continue
            seen.add((done, state))
            self.step_count += 1
            if self.step_count % LOOK_AT_CLOCK_EVERY == 0 and self.is_over():
                return UNKNOWN
            if done.bit_count() > self.best.bit_count():
                self.best, self.best_state = done, state
            stack.extend(self.steps(done, state))
        return BAD

    def why(self, outcome):
        """Where it went farthest."""
        if outcome == GOOD:
            return ''
        lines = ['%s: %d operations in order at best, then %r' % (outcome, self.best.bit_count(), self.best_state)]
        for at in self.candidates(self.best)[:SHOWN]:
            operation = self.operations[at]
            reply = self.model.apply(self.best_state, operation.client, operation.request)[1]
            lines.append('    would answer %r: %s' % (reply, operation))
        done = [o for i, o in enumerate(self.operations) if self.best >> i & 1]
        lines.append('  done were, by the time of their call:')
        lines += ['    %s' % o for o in done[-SHOWN:]]
        return '\n'.join(lines)


def parts(history, model):
    """Histories that share no key: what one of them does is nothing to the others."""
    leader = {}

    def find(key):
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for operation in history:
        keys = list(model.ties(operation))
        for key in keys[1:]:
            leader[find(key)] = find(keys[0])
    found = {}
    for operation in history:
        keys = list(model.ties(operation))
        found.setdefault(find(keys[0]) if keys else None, []).append(operation)
    return list(found.values())


def check(history, model, seconds=10.0):
    deadline_s = time.monotonic() + seconds
    verdict = Verdict(GOOD, len(history))
    for part in parts(history, model):
        search = Search(part, model, deadline_s)
        outcome = search.run()
        verdict.step_count += search.step_count
        if outcome != GOOD:
            verdict.outcome, verdict.why = outcome, search.why(outcome)
        if outcome == BAD:
            break
    return verdict


def until_moment(history, moment_ns):
    """What was known of it then."""
    return [o if o.returned_ns is not None and o.returned_ns <= moment_ns else dataclasses.replace(o, reply=None, returned_ns=None)
            for o in history if o.called_ns <= moment_ns]


def core(history, model, seconds=10.0):
    """Of a bad history what is needed to show it. It would have to be good as well up to any moment, without what only
    looked, and without knowing the answers to others."""
    end = time.monotonic() + seconds

    def stays_bad(other):
        return time.monotonic() < end and check(other, model, 1.0).outcome == BAD

    kept = next((part for part in parts(history, model) if check(part, model, seconds).outcome == BAD), history)
    for moment_ns in sorted(o.returned_ns for o in kept if o.returned_ns is not None):
        if stays_bad(until_moment(kept, moment_ns)):
            kept = until_moment(kept, moment_ns)
            break
    known = [o for o in kept if o.returned_ns is not None]
    for operation in known:
        unknown = dataclasses.replace(operation, reply=None, returned_ns=None)
        is_look = model.is_look(operation.request, operation.reply)
        for instead in ([[]] if is_look else []) + [[unknown]]:
            shorter = [p for o in kept for p in (instead if o is operation else [o])]
            if stays_bad(shorter):
                kept = shorter
                break
    return sorted(kept, key=lambda o: o.called_ns)
