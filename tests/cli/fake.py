# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that is played: it answers as a test says, and keeps what it was asked."""
import json
import os
import shutil
import socket
import tempfile
import threading

BUILD = os.environ.get("top_builddir", ".")
LIMIT = 30  # seconds; a failure, never a pace

VERSION = {"major": 1, "minor": 0}


class Hang:
    """Answer nothing; the test goes on when the other side hangs up."""


class HangUp:
    """Close the connection instead of an answer."""


class Raw:
    """Bytes as they are; ID in them becomes the request's id."""

    def __init__(self, data):
        self.data = data


def error(code, name, message="the reason"):
    return {"error": {"code": code, "message": message, "data": {"id": name}}}


class Fake:
    """answers: method -> a result, an error(), Hang, HangUp, Raw, or a list of those to be taken
    in turn (the last one stays). A result gets its version."""

    def __init__(self, answers):
        self.answers = {k: list(v) if isinstance(v, list) else [v] for k, v in answers.items()}
        self.asked = []  # (method, params)
        self.gone = threading.Event()  # somebody who waited in vain hung up
        self.dir = tempfile.mkdtemp(prefix="cli-", dir=os.path.abspath(BUILD))
        self.socket = os.path.join(self.dir, "s")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.socket)
        self.listener.listen(16)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.dir)
        return False

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        waited = False
        try:
            with conn, conn.makefile("rb") as lines:
                for line in lines:
                    request = json.loads(line)
                    self.asked.append((request["method"], request["params"]))
                    answer = self._answer(request["method"])
                    if answer is HangUp:
                        return
                    waited |= answer is Hang
                    if answer is not Hang:
                        conn.sendall(self._line(request["id"], answer))
        except OSError:
            pass
        finally:
            if waited:
                self.gone.set()

    def _answer(self, method):
        left = self.answers.get(method, [error(-32601, "unsupported", "no such method")])
        return left.pop(0) if len(left) > 1 else left[0]

    @staticmethod
    def _line(number, answer):
        if isinstance(answer, Raw):
            return answer.data.replace(b"ID", str(number).encode())
        message = {"jsonrpc": "2.0", "id": number}
        message.update(answer if "error" in answer else {"result": {"version": VERSION, **answer}})
        return (json.dumps(message) + "\n").encode()
