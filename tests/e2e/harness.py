"""A daemon and QEMUs as child processes in a folder of their own; everything ends with the test."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("UNWEDGE_BIN", "build/bin")).resolve()
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(what, ask, seconds=10.0):
    """The first true answer of `ask`, asked every 20 ms; the time-out is a failure that says `what`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="uwe2e-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.runtime, self.state = self.folder / "run", self.folder / "state"
        self.config = self.folder / "unwedged.toml"
        self.log = self.folder / "unwedged.log"
        self.configure()

    def configure(self, text=None):
        if text is None:
            text = f'[discover]\nsockets = ["{self.folder}/*.sock"]\nlisten = "{self.folder}/dial-in"\n'
        self.config.write_text(text)

    def spawn(self, *command, **more):
        process = subprocess.Popen(command, preexec_fn=die_with_parent, **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()

    def start_daemon(self, *more, env=None, wait=True):
        with open(self.log, "a") as log:
            process = self.spawn(BIN / "unwedged", "--config", self.config, "--runtime-dir", self.runtime, "--state-dir",
                                 self.state, *more, stderr=log, env={**os.environ, **(env or {})})
        if wait:
            until("the daemon answers", lambda: self.ctl("list").returncode == 0)
        return process

    def start_qemu(self, name="vm1", *more, socket_name=None):
        path = self.folder / f"{socket_name or name}.sock"
        return self.spawn("qemu-system-x86_64", "-name", f"guest={name},debug-threads=on", "-machine", "none", "-S",
                          "-nodefaults", "-display", "none", *(more or ("-qmp", f"unix:{path},server=on,wait=off")))

    def ctl(self, *command):
        return subprocess.run([BIN / "unwedgectl", "--runtime-dir", self.runtime, *command], capture_output=True,
                              text=True, timeout=20)

    def ask(self, *command):
        done = self.ctl("--json", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def vm(self, name="vm1"):
        return next((v for v in self.ask("list") if v["name"] == name), None)

    def until_state(self, state, name="vm1", seconds=10.0):
        return until(f"{name} is {state}", lambda: (v := self.vm(name)) and v["state"] == state and v, seconds)

    def stop(self, daemon, number=signal.SIGTERM):
        daemon.send_signal(number)
        return daemon.wait(10)


@contextlib.contextmanager
def notify_socket(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(path))
        s.settimeout(10)
        yield s
