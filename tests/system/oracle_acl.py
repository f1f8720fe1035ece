"""Commands of ACL, for oracle.py: rules, what they make of a user, and what that user may do by ACL DRYRUN.

Left out, or reduced, because 7.2 and 7.0 differ:
  commands           7.0 works out which categories describe a user, 7.2 keeps the rules in their order: not the text
                     is compared, but what the user may run
  (skip-)sanitize-payload   7.2 shows it for every user, 7.0 where it was asked for
  DRYRUN             7.2 names the user where 7.0 says "This user"
  %RW~*              before other patterns is shown as such here: 7.0's line could not be read again
  %R, without '~'    7.0 takes it for an empty pattern (CVE-2024-51741)
  a '(' within one that is open   7.0 forgets what came before it
  a command's first argument with blanks in it: here a syntax error, for its line could not be read again
  keys               of GEORADIUS with two STOREs and of XREADGROUP with a group called STREAMS, 7.0 looks at the wrong
                     ones
"""
from oracle import Command, Group, any_case
from penstock import decode

USER = 'oracle'
COMMANDS = ['get', 'set', 'mget', 'del', 'keys', 'flushall', 'ping', 'sadd', 'hset', 'lpush', 'zadd', 'xadd', 'sort', 'expire', 'object',
            'object|encoding', 'client', 'client|id', 'client|kill', 'config', 'config|get', 'config|set', 'select', 'subscribe', 'publish',
            'eval', 'multi', 'watch', 'setbit', 'pfadd', 'geoadd', 'blpop', 'auth', 'hello', 'debug', 'acl', 'acl|whoami', 'incr', 'append',
            'xgroup', 'xgroup|create', 'script', 'script|load', 'command', 'command|docs', 'memory|usage', 'latency']
CATEGORIES = ['all', 'keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', 'hyperloglog', 'geo', 'stream',
              'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection', 'transaction', 'scripting']
PATTERNS = ['*', 'a', 'a*', '*a', 'b?', '[ab]c', 'user:*', '', 'a\\*', '?', '**', 'x"y', '~', '(']
KEYS = ['a', 'ab', 'bc', 'b', 'user:1', 'zz', 'a*', '']
PASSWORDS = ['', 'p', 'secret', 'p"q', '~']
HASHES = ['2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b', 'ab' * 32, 'AB' * 32, 'ab' * 31, 'g' * 64, '']
WORDS = ['on', 'off', 'nopass', 'resetpass', 'reset', 'allkeys', 'resetkeys', 'allchannels', 'resetchannels', 'allcommands', 'nocommands',
         'clearselectors', 'sanitize-payload', 'skip-sanitize-payload', '', 'foo', ')', '+', '-', '+@', '-@', '%', '~', '&', '>', '#']
# What a user is tried with: each shows other commands, keys, accesses or channels.
TRIALS = [c.split('|') for c in ['ping', 'auth|x', 'multi', 'keys|*', 'config|get|x', 'config|set|x|y', 'client|id', 'client|kill|x', 'acl|whoami',
                                 'command|docs', 'command', 'select|0', 'select|1', 'debug|object|a', 'flushall', 'script|load|x', 'acl|list',
                                 'object|encoding|a', 'memory|usage|a', 'xgroup|create|a|g|0', 'latency|reset']]
KEYED = [['get', 0], ['set', 0, 'v'], ['set', 0, 'v', 'get'], ['getdel', 0], ['mget', 0, 1], ['mset', 0, 'x', 1, 'y'], ['del', 0], ['exists', 0],
         ['copy', 0, 1], ['rename', 0, 1], ['lpush', 0, 'x'], ['blpop', 0, 1, '0'], ['lmove', 0, 1, 'left', 'left'], ['sadd', 0, 'x'],
         ['sunionstore', 0, 1, 0], ['zadd', 0, '1', 'm'], ['zunionstore', 0, '2', 1, 0], ['zunion', '1', 0], ['hset', 0, 'f', 'v'],
         ['hget', 0, 'f'], ['setbit', 0, '1', '1'], ['bitop', 'and', 0, 1], ['bitfield', 0, 'get', 'u8', '0'],
         ['bitfield', 0, 'set', 'u8', '0', '1'], ['bitfield', 0], ['pfadd', 0, 'x'], ['pfcount', 0, 1], ['pfmerge', 0, 1],
         ['geoadd', 0, '0', '0', 'm'], ['georadius', 0, '0', '0', '1', 'm', 'store', 1], ['geosearchstore', 0, 1, 'bybox', '1', '1', 'm'],
         ['xadd', 0, '*', 'f', 'v'], ['xread', 'streams', 0, 1, '0', '0'], ['xreadgroup', 'group', 'g', 'c', 'streams', 0, '>'],
         ['sort', 0, 'by', 'nosort', 'store', 1], ['sort_ro', 0], ['eval', 'return 1', '2', 0, 1], ['eval_ro', 'return 1', '1', 0], ['watch', 0],
         ['expire', 0, '1'], ['touch', 0], ['lcs', 0, 1], ['publish', 0, 'm'], ['spublish', 0, 'm'], ['subscribe', 0, 1], ['psubscribe', 0, 1],
         ['ssubscribe', 0], ['unsubscribe', 0], ['punsubscribe', 0], ['incr', 0], ['append', 0, 'x'], ['lmpop', '2', 0, 1, 'left'],
         ['restore', 0, '0', 'x'], ['sintercard', '2', 0, 1], ['object', 'freq', 0], ['zrangestore', 0, 1, '0', '-1'], ['smove', 0, 1, 'm']]


def reduced(user):
    """GETUSER without what 7.2 shows in another way."""
    if not isinstance(user, list):
        return repr(user)
    fields = dict(zip(user[::2], user[1::2]))
    flags = sorted(f for f in fields[b'flags'] if b'sanitize' not in f)
    selectors = [dict(zip(s[::2], s[1::2])) for s in fields[b'selectors']]
    whole = [fields] + selectors
    return (flags, fields[b'passwords'], [(s[b'keys'].replace(b'%RW~*', b'~*'), s[b'channels']) for s in whole])


def trial(args):
    def ask(connection):
        reply = connection.call_raw('ACL', 'DRYRUN', USER, *args)
        return reply.split(b'\r\n', 1)[-1].replace(b'This user', b'User ' + USER.encode()) if reply[:1] == b'$' else reply
    return ask


def make(calls, trials):
    """Makes the user anew by each call's rules; every reply, what came of it, and what the user may do."""
    def run(connection):
        connection.call_raw('ACL', 'DELUSER', USER)
        replies = [connection.call_raw('ACL', 'SETUSER', USER, *rules) for rules in calls]
        shown = reduced(decode(connection.call_raw('ACL', 'GETUSER', USER)))
        tried = [trial(t)(connection) for t in trials] if any(r == b'+OK\r\n' for r in replies) else []
        connection.call_raw('ACL', 'DELUSER', USER)
        return replies, shown, tried
    return run


def sorted_reply(*args):
    def run(connection):
        raw = connection.call_raw(*args)
        return sorted(map(repr, decode(raw))) if raw[:1] in b'*~' else raw
    return run


class Acl(Group):
    name = 'acl'

    def command_rule(self):
        rng = self.rng
        kind, sign = rng.random(), rng.choice('+-')
        if kind < 0.45:
            return sign + any_case(rng, rng.choice(COMMANDS))
        if kind < 0.8:
            return sign + '@' + any_case(rng, rng.choice(CATEGORIES))
        if kind < 0.9:
            return sign + rng.choice(['select|0', 'select|1', 'debug|object', 'get|a', 'select|'])
        return sign + rng.choice(['nosuch', '@nosuch', 'config|nosuch', 'config|get|x', 'get|a|b', '|', 'config|'])

    def pattern_rule(self):
        rng = self.rng
        head = rng.choice(['~', '~', '%R~', '%W~', '%RW~', '%rw~', '%r~', '&', '&', '%~', '%X~', '%RR~', '%WR~'])
        return head + rng.choice(PATTERNS)

    def selector_rule(self):
        rng = self.rng
        if rng.random() < 0.5:
            return self.command_rule()
        return self.pattern_rule() if rng.random() < 0.8 else rng.choice(['allkeys', 'allcommands', 'resetkeys', '+@all', 'allchannels'])

    def rules(self):
        rng, out = self.rng, []
        for _ in range(rng.randrange(1, 7)):
            kind = rng.random()
            if kind < 0.4:
                out.append(self.command_rule())
            elif kind < 0.7:
                out.append(self.pattern_rule())
            elif kind < 0.8:
                out.append(any_case(rng, rng.choice(WORDS)))
            elif kind < 0.9:
                sign = rng.choice('><#!')
                out.append(sign + rng.choice(PASSWORDS if sign in '><' else HASHES))
            else:
                inner = ' '.join(self.selector_rule() for _ in range(rng.randrange(0, 4)))
                whole = '(' + inner + ')'
                out.extend(whole.split(' ') if rng.random() < 0.5 else [whole])
        if rng.random() < 0.03:
            out.append('(' + self.selector_rule())
        return out

    def trial(self):
        rng = self.rng
        if rng.random() < 0.3:
            return rng.choice(TRIALS)
        keys = [rng.choice(KEYS), rng.choice(KEYS)]
        return [keys[a] if isinstance(a, int) else a for a in rng.choice(KEYED)]

    def user(self):
        rng = self.rng
        calls = [self.rules() for _ in range(rng.choice((1, 1, 2, 3)))]
        trials = [self.trial() for _ in range(12)]
        shown = ['SETUSER'] + [' '.join(rules) for rules in calls] + ['THEN'] + [' '.join(t) for t in trials]
        return Command(*shown, run=make(calls, trials))

    def next(self):
        rng = self.rng
        if rng.random() < 0.8:
            return self.user()
        args = rng.choice([['WHOAMI'], ['USERS'], ['CAT'], ['CAT', 'nosuch'], ['CAT', 'a', 'b'], ['GENPASS', '0'], ['GENPASS', '4097'],
                           ['GENPASS', 'x'], ['GENPASS', '1', '2'], ['LOG', '0'], ['LOG', 'x'], ['LOG', 'RESET'], ['LOG', 'RESET', '1'],
                           ['GETUSER', 'nosuch'], ['HELP'], ['NOSUCH'], [], ['DELUSER', 'nosuch'], ['DELUSER', 'default'], ['SETUSER'],
                           ['SETUSER', 'a b'], ['SETUSER', 'a\0b', 'on'], ['DRYRUN', 'nosuch', 'get', 'a'], ['DRYRUN', 'default', 'nosuch'],
                           ['DRYRUN', 'default', 'get'], ['DRYRUN', 'default', 'config', 'nosuch'], ['DRYRUN', 'default', 'get', 'a'],
                           ['LOAD'], ['SAVE'], ['WHOAMI', 'x']])
        command = ['ACL'] + [any_case(rng, args[0])] + args[1:] if args else ['ACL']
        return Command(*command, run=sorted_reply(*command))
