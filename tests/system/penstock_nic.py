"""Penstock on its NIC transport: a DPDK port on one end of a veth pair, this process in the namespace of the
other end. Needs root (NicBed.open says why it cannot).
"""
import os

from penstock import Connection, Penstock
from test_tcp_kernel import SERVER4, Bed

DEVICES = ['net_af_xdp0,iface=%s,queue_count=%d,busy_budget=0',
           'net_af_packet0,iface=%s,qpairs=%d,framesz=2048,framecnt=2048,blocksz=65536,qdisc_bypass=1']


class NicPenstock(Penstock):
    """Starts on AF_XDP, or on af_packet where that does not start; self.device says which."""
    host = SERVER4
    queues = 1  # pairs of the port
    devices = DEVICES

    def __init__(self, options=None):
        super().__init__(options)
        self.bed = Bed()
        self.bed.queues = self.queues
        self.binary = self.command
        self.command = 'ip'
        self.device = None
        self.unix_path = os.path.join(self.directory, 'socket')

    def arguments(self):
        given = ['netns', 'exec', self.bed.server_ns, self.binary, '--transport', 'nic', '--nic-devargs', self.device,
                 '--nic-address', SERVER4 + '/24', '--nic-no-huge', 'yes', '--protected-mode', 'no',
                 '--unixsocket', self.unix_path, '--port', str(self.port), '--dir', self.directory]
        for name, value in self.options.items():
            given += ['--' + name, str(value)]
        return given

    def start(self):
        try:
            self.bed.open()
            return self.start_on_any()
        except BaseException:
            self.bed.close()
            raise

    def start_on_any(self):
        for number, device in enumerate(self.devices):
            self.device = device % (self.bed.server_if, self.queues)
            try:
                started = super().start()
                print('on ' + self.driver, flush=True)
                return started
            except RuntimeError as error:
                self.stop()
                if number == len(self.devices) - 1:
                    raise
                print('%s DOES NOT START, trying the next driver: %s' % (self.driver, error), flush=True)
        return self

    def connect_first(self):
        """Not over the wire: what nobody answers there is sent again after a second."""
        return Connection(self.unix_path, 2)

    @property
    def driver(self):
        return self.device.split(',')[0]

    def close(self, keep=False):
        super().close(keep)
        if self.process is None and not keep:
            self.bed.close()
