"""A strict reader of Prometheus's text format 0.0.4, and redis_exporter as a process.

    page = parse(text)            every line is understood, or ValueError
    page['redis_db_keys'].type    'counter', 'gauge', 'histogram', 'summary'
    page.value('redis_db_keys', db='db0')
"""
import math
import re
import shutil
import subprocess
import urllib.request

from kit import until
from penstock import free_port

EXPORTER = shutil.which('prometheus-redis-exporter')
NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
SAMPLE = re.compile(r'(%s)(?:\{(.*)\})? (\S+)\Z' % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|\Z)')
SUFFIXES = {'histogram': ('_bucket', '_sum', '_count'), 'summary': ('', '_sum', '_count')}


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type, self.samples = name, help_text, None, {}

    def labels(self):
        """The names of labels that its samples have."""
        return {name for _, labels in self.samples for name, _ in labels}


class Page(dict):
    def value(self, name, suffix='', **labels):
        return self[name].samples[(name + suffix, tuple(sorted(labels.items())))]

    def total(self, name):
        return sum(self[name].samples.values())

    def counters(self):
        return {key: value for family in self.values() if family.type == 'counter'
                for key, value in family.samples.items()}


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match[1] in labels:
            raise ValueError('labels: %r' % text)
        labels[match[1]] = match[2]
        at = match.end()
    if text.endswith(','):
        raise ValueError('labels: %r' % text)
    return tuple(sorted(labels.items()))


def read_sample(family, line):
    match = SAMPLE.match(line)
    if not match:
        raise ValueError('no sample: %r' % line)
    name, labels, value = match[1], read_labels(match[2] or ''), float(match[3])
    if family is None or family.type is None:
        raise ValueError('a sample before its head: %r' % line)
    if name not in [family.name + suffix for suffix in SUFFIXES.get(family.type, ('',))]:
        raise ValueError('a sample of another family than %s: %r' % (family.name, line))
    if (name, labels) in family.samples:
        raise ValueError('twice: %r' % line)
    if family.type == 'counter' and not value >= 0:
        raise ValueError('a counter below zero: %r' % line)
    family.samples[(name, labels)] = value


def check_histogram(family):
    """By the labels other than le: buckets grow, the last one is infinite and the count."""
    groups = {}
    for (name, labels), value in family.samples.items():
        rest = tuple(label for label in labels if label[0] != 'le')
        group = groups.setdefault(rest, {'buckets': []})
        if name.endswith('_bucket'):
            group['buckets'].append((float(dict(labels)['le']), value))
        else:
            group[name[len(family.name):]] = value
    for group in groups.values():
        ends, counts = zip(*group['buckets'])
        if list(ends) != sorted(set(ends)) or list(counts) != sorted(counts) or ends[-1] != math.inf:
            raise ValueError('buckets of %s: %r' % (family.name, group))
        if counts[-1] != group['_count'] or '_sum' not in group:
            raise ValueError('count of %s: %r' % (family.name, group))


def parse(text):
    if not text.endswith('\n'):
        raise ValueError('the last line has no end')
    page, family = Page(), None
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            name, help_text = (line[7:].split(' ', 1) + [''])[:2]
            if not re.fullmatch(NAME, name) or name in page:
                raise ValueError('a bad or a second head: %r' % line)
            family = page[name] = Family(name, help_text)
        elif line.startswith('# TYPE '):
            name, kind = line[7:].split(' ')
            if family is None or name != family.name or family.type or family.samples:
                raise ValueError('TYPE out of place: %r' % line)
            if kind not in ('counter', 'gauge', 'histogram', 'summary'):
                raise ValueError('no type: %r' % line)
            family.type = kind
        else:
            read_sample(family, line)
    for family in page.values():
        if family.type is None:
            raise ValueError('%s has no type' % family.name)
        if family.type == 'histogram':
            check_histogram(family)
    return page


def fetch(port, host='127.0.0.1', path='/metrics'):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open('http://%s:%d%s' % (host, port, path), timeout=20) as reply:
        return reply.headers, reply.read().decode()


def scrape(port):
    return parse(fetch(port)[1])


class Exporter:
    """redis_exporter, asking the server on that port of 127.0.0.1."""

    def __init__(self, test, server_port, *options):
        self.port = free_port()
        self.process = subprocess.Popen(
            [EXPORTER, '-redis.addr', 'redis://127.0.0.1:%d' % server_port, '-web.listen-address',
             '127.0.0.1:%d' % self.port, '-redis-only-metrics', *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        until('redis_exporter listens', self.answers)

    def answers(self):
        try:
            return fetch(self.port, path='/health')
        except OSError:
            return None

    def scrape(self):
        return scrape(self.port)

    def end(self):
        """Its log."""
        if self.process.poll() is None:
            self.process.terminate()
        log = self.process.stderr.read() if not self.process.stderr.closed else ''
        self.process.stderr.close()
        self.process.wait()
        return log
