"""All there is of an incident, in one file to send to those who can help."""

import json
import os
import pathlib
import signal
import stat
import subprocess
import unittest

from harness import BIN, DaemonTest, until

ALWAYS = {"README.txt", "report.txt", "journal.jsonl", "evidence.json", "qmp-history.json", "host.json"}


class Bundle(DaemonTest):
    def setUp(self):
        super().setUp()
        self.configure(f'[discover]\nsockets = ["{self.folder}/*.sock"]\n[probe]\nlate_after = "300ms"\n'
                       'patience = "1s"\n')
        self.qemu = self.start_qemu("vm1", "-qmp", f"unix:{self.folder}/vm1.sock,server=on,wait=off", "-object",
                                    "secret,id=s0,data=hunter2")
        self.start_daemon()
        self.until_state("healthy")
        self.qemu.send_signal(signal.SIGSTOP)
        self.until_state("stalled")
        self.id = until("the incident is on disk", lambda: self.ask("incidents"))[0]["id"]
        until("the host's state is on disk", (self.state / "incidents" / self.id / "host.json").exists)
        self.file = self.folder / "bundle.tar.zst"

    def bundle(self, *more, file=None):
        return self.ctl("incident", self.id, "--bundle", file or self.file, *more)

    def unpacked(self):
        into = self.folder / "unpacked"
        into.mkdir()
        subprocess.run(["tar", "--zstd", "-xf", self.file, "-C", into], check=True, timeout=20)
        self.assertEqual(os.listdir(into), [self.id])
        return into / self.id

    def test_holds_all_of_an_open_incident(self):
        done = self.bundle()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertIn(f"{self.file}: ", done.stdout)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        folder = self.unpacked()
        names = {p.name for p in folder.iterdir()}
        self.assertLessEqual(ALWAYS, names)
        for name in names:
            self.assertIn(name, done.stdout)
            self.assertIn(f"\n{name}\n", (folder / "README.txt").read_text())
            text = (folder / name).read_text()
            self.assertNotIn("hunter2", text)
            if name.endswith(".json"):
                json.loads(text)
            if name.endswith(".jsonl"):
                self.assertTrue([json.loads(line) for line in text.splitlines()])

    def test_says_what_was_the_case(self):
        self.assertEqual(self.bundle().returncode, 0)
        folder = self.unpacked()
        host = json.loads((folder / "host.json").read_text())
        self.assertEqual(host["kernel"]["release"], os.uname().release)
        self.assertIn("secret,id=s0,data=[redacted]", host["process"]["command_line"])
        self.assertIn("qemu-system-x86_64", host["process"]["exe"])
        self.assertRegex(host["qemu_version"], r"^\d+\.\d+")
        self.assertEqual(host["authority"], "observe")
        self.assertEqual(host["policy"]["name"], "monitor-stall")
        self.assertGreater(host["memory_kb"]["MemTotal"], 0)
        self.assertGreaterEqual(host["own_lateness_ms"], 0)
        messages = json.loads((folder / "qmp-history.json").read_text())["messages"]
        self.assertTrue(any(m["text"] == "query-status" and m["direction"] == "sent" for m in messages))
        self.assertTrue(any('"running"' in m["text"] and m["direction"] == "received" for m in messages))
        samples = json.loads((folder / "evidence.json").read_text())["samples"]
        self.assertEqual(samples[-1]["threads"][0]["state"], "T")

    def test_incident_shows_the_chain_and_how_much_there_is(self):
        text = self.ctl("incident", self.id).stdout
        self.assertRegex(text, r"\nWait chain\n  \S.*main thread\) is stopped")
        self.assertRegex(text, r"\nEvidence: \d+ samples?, (.*, )?\d+ QMP messages, host; all of it: unwedgectl "
                         f"incident {self.id} --bundle FILE.tar.zst\n")

    def test_of_a_closed_incident_has_the_end(self):
        self.qemu.send_signal(signal.SIGCONT)
        until("closed", lambda: self.ask("incidents")[0]["closed"])
        self.assertEqual(self.bundle().returncode, 0)
        folder = self.unpacked()
        self.assertIn("resolved-itself", (folder / "report.txt").read_text())
        self.assertIn("resolved-itself", (folder / "journal.jsonl").read_text())

    def test_replaces_no_file_unasked(self):
        self.file.write_text("mine")
        done = self.bundle()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is there already", done.stderr)
        self.assertEqual(self.file.read_text(), "mine")
        self.assertEqual(self.bundle("--force").returncode, 0)
        self.unpacked()

    def test_on_a_full_disk_leaves_nothing_and_says_so(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", disk]).returncode != 0:
            self.skipTest("needs root")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        (disk / "filler").write_bytes(b"x" * 4096)
        done = self.bundle(file=disk / "b.tar.zst")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(os.listdir(disk), ["filler"])

    def test_of_no_incident_leaves_nothing(self):
        done = self.ctl("incident", "vm1-20200101-000000", "--bundle", self.file)
        self.assertEqual(done.returncode, 1)
        self.assertFalse(self.file.exists())
        self.assertEqual(self.ctl("incident", self.id, "--force").returncode, 2)

    def put(self, name, size, bytes_at_end=b""):
        """A file beside the journal, as a step may leave one; sparse but for its end."""
        with open(self.state / "incidents" / self.id / name, "wb") as file:
            file.truncate(size - len(bytes_at_end))
            file.seek(0, os.SEEK_END)
            file.write(bytes_at_end)

    def test_has_large_files_whole_and_leaves_huge_ones_out(self):
        self.put("large.bin", 3_500_001, b"the end")
        self.put("core.zst", (64 << 20) + 1)
        self.put("core-small.zst", 100, b"end")
        done = self.bundle()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("left out: core.zst, 64 MiB, above 64 MiB", done.stdout)
        self.assertIn("\n  core-small.zst holds QEMU's own memory", done.stdout)
        folder = self.unpacked()
        large = (folder / "large.bin").read_bytes()
        self.assertEqual((len(large), large[-7:]), (3_500_001, b"the end"))
        self.assertFalse((folder / "core.zst").exists())
        self.assertIn("Not in this bundle:\n\ncore.zst\n", (folder / "README.txt").read_text())

    def test_that_is_interrupted_leaves_nothing(self):
        for i in range(8):
            self.put(f"large{i}.bin", 64 << 20)
        into = self.folder / "into"
        into.mkdir()
        ctl = self.spawn(BIN / "unwedgectl", "--runtime-dir", self.runtime, "incident", self.id, "--bundle",
                         into / "b.tar.zst", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        until("it has begun", lambda: os.listdir(into))
        ctl.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", ctl.communicate(timeout=10)[1])
        self.assertEqual(ctl.returncode, -signal.SIGINT)
        self.assertEqual(os.listdir(into), [])

    def test_as_json(self):
        told = json.loads(self.bundle("--json").stdout)
        self.assertEqual(pathlib.Path(told["file"]), self.file)
        self.assertEqual(told["bytes"], self.file.stat().st_size)
        self.assertLessEqual(ALWAYS, set(told["files"]))
        self.assertEqual(told["left_out"], [])


if __name__ == "__main__":
    unittest.main()
