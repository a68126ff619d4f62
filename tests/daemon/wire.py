# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket byte by byte, for tests."""
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "e2e"))
import host  # noqa: E402


def request(method, params=None, n=1):
    return json.dumps({"jsonrpc": "2.0", "id": n, "method": method,
                       "params": params or {}}).encode() + b"\n"


class Wire:
    """A connection; waits at most as long as any wait may take."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        # Waits in the queue of those who connect, where a socket with a timeout of Python's
        # own would be turned away.
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", host.LIMIT, 0))
        self.s.connect(path)
        self.s.settimeout(host.LIMIT)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.s.close()

    def send(self, data):
        self.s.sendall(data)

    def line(self):
        """The next message, None at the end."""
        while b"\n" not in self.rest:
            try:
                more = self.s.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not self.rest, self.rest
                return None
            self.rest += more
        one, _, self.rest = self.rest.partition(b"\n")
        return json.loads(one)

    def ask(self, method, params=None, n=1):
        self.send(request(method, params, n))
        return self.line()

    def result(self, method, params=None):
        answer = self.ask(method, params)
        assert "result" in answer, answer
        return answer["result"]


def rss(pid):
    """Resident bytes of a process."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS:"))
