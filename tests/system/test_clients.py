#!/usr/bin/env python3
"""The everyday calls of all types through the clients that applications use: Debian's python3-redis and hiredis, ioredis
and redis from the npm registry. Each is a program of its own, beside this file.

The npm packages go into the build folder, in these versions, once; later runs find them there and need no network.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case  # noqa: E402
from penstock import BUILD  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = {'ioredis': '5.4.1', 'redis': '4.7.0'}
FOLDER = os.path.join(BUILD, 'npm-clients')
INSTALL_S, RUN_S = 300, 60
DEBIAN_PYTHON = '/usr/bin/python3'  # the one that python3-redis is installed for


def installed():
    for name, version in PACKAGES.items():
        try:
            with open(os.path.join(FOLDER, 'node_modules', name, 'package.json')) as file:
                if json.load(file)['version'] != version:
                    return False
        except (OSError, ValueError):
            return False
    return os.path.exists(os.path.join(FOLDER, 'whole'))


def install():
    """Into the build folder, unless that has been done."""
    if installed():
        return
    npm = shutil.which('npm')
    if not npm:
        raise AssertionError('npm is missing (tools/packages installs it)')
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    with open(os.path.join(FOLDER, 'package.json'), 'w') as file:
        json.dump({'private': True, 'dependencies': PACKAGES}, file)
    try:
        done = subprocess.run([npm, 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=FOLDER,
                              timeout=INSTALL_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired as e:
        raise AssertionError('the npm registry does not answer within %d s; this test needs it once' % INSTALL_S) from e
    if done.returncode != 0:
        raise AssertionError('cannot install %s from the npm registry, which this test needs once:\n%s' % (PACKAGES, done.stdout[-2000:]))
    with open(os.path.join(FOLDER, 'whole'), 'w'):
        pass


class Clients(Case):
    def run_client(self, *words, cwd=None):
        server = self.start()
        done = subprocess.run([*words, server.host, str(server.port)], cwd=cwd, timeout=RUN_S, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout.strip()), (0, 'ok'), done.stdout[-3000:])

    def test_python_redis(self):
        self.run_client(DEBIAN_PYTHON, os.path.join(HERE, 'clients_python.py'))

    def test_hiredis(self):
        self.run_client(os.path.join(BUILD, 'tests', 'system', 'hiredis_types'))

    def test_ioredis(self):
        install()
        self.run_client('node', os.path.join(HERE, 'clients_ioredis.js'), cwd=FOLDER)

    def test_node_redis(self):
        install()
        self.run_client('node', os.path.join(HERE, 'clients_node_redis.js'), cwd=FOLDER)


if __name__ == '__main__':
    unittest.main(verbosity=2)
