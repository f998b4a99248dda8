"""What a wrong configuration does: it says where, and changes nothing."""

import signal
import subprocess
import unittest

from harness import BIN, DaemonTest, until


class Configuration(DaemonTest):
    def check(self):
        return subprocess.run([BIN / "unwedged", "--check", "--config", self.config], capture_output=True, text=True)

    def test_says_file_line_and_what_is_wrong_and_exits_with_2(self):
        self.configure('authority = "observe"\n[probe]\npatiense = "3s"\n')
        for done in (self.check(), subprocess.run([BIN / "unwedged", "--config", self.config], capture_output=True, text=True)):
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{self.config}:3:", done.stderr)
            self.assertIn("patience", done.stderr)

    def test_check_of_a_good_one_exits_with_0(self):
        self.assertEqual(self.check().returncode, 0)

    def test_a_reload_with_an_error_keeps_the_running_set(self):
        self.start_qemu()
        daemon = self.start_daemon()
        before = self.until_state("healthy")
        self.configure('authority = "protekt"\n')
        done = self.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.config}:1:", done.stderr)
        daemon.send_signal(signal.SIGHUP)
        until("the failed reload is in the log", lambda: self.log.read_text().count("protect") >= 1)
        after = self.vm()
        self.assertIsNone(daemon.poll())
        self.assertEqual((after["state"], after["authority"], after["pid"]), ("healthy", "observe", before["pid"]))

    def test_a_good_reload_takes_effect_without_losing_the_session(self):
        self.start_qemu()
        daemon = self.start_daemon()
        before = self.until_state("healthy")
        self.configure(self.config.read_text() + '[[vm]]\nmatch = "vm*"\nauthority = "protect"\n')
        daemon.send_signal(signal.SIGHUP)
        after = until("the new authority", lambda: (v := self.vm())["authority"] == "protect" and v)
        self.assertEqual(after["since"], before["since"])

    def test_a_usage_error_exits_with_2(self):
        self.assertEqual(subprocess.run([BIN / "unwedged", "--nonsense"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
