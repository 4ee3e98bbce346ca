#!/usr/bin/env python3
"""`weir top` in a pseudo-terminal, with the keys that a person presses, against a brain. Usage: top_test.py PATH_OF_WEIR"""

import codecs
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
import unittest

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]

from brain import Brain  # noqa: E402

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "weir"
REGION = "apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: city}\n" + "".join(f"""---
apiVersion: weir/v1
kind: Site
metadata: {{name: {name}}}
spec:
  tier: edge
  region: 杭州城西
  asks: {{core_hour: 1, gib_hour: 0.1}}
  power: {{idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: 500gCO2/kWh}}
  availability: 99.9%
""" for name in ("hub", "metro", "street"))
SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?]*)([A-Za-z@`])|[()][0-9A-B]|[=>78M]|\][^\x07]*\x07)")


class Screen:
    """What a terminal of the kind "xterm" would show: as much of ECMA-48 as curses uses for it."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.cells, self.x, self.y, self.rest, self.coloured = [[" "] * width for _ in range(height)], 0, 0, "", False
        self.last, self.region = " ", (0, height)

    def resize(self, width, height):
        self.cells = [(row + [" "] * width)[:width] for row in self.cells[:height]] + [[" "] * width for _ in range(height - len(self.cells))]
        self.width, self.height = width, height
        self.x, self.y, self.region = min(self.x, width), min(self.y, height - 1), (0, height)

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if match is None:
                    self.rest = text[at:]
                    if len(self.rest) > 64:
                        raise AssertionError(f"an unknown sequence: {self.rest!r}")
                    return
                if match.group(2):
                    self.control(match.group(1), match.group(2))
                at = match.end()
                continue
            self.put(text[at])
            at += 1

    def control(self, given, what):
        numbers = [int(n) if n else 0 for n in given.strip("?").split(";")]
        count = max(1, numbers[0])
        if what == "H":
            self.y, self.x = min(count, self.height) - 1, (max(1, numbers[1]) if len(numbers) > 1 else 1) - 1
        elif what in "Gd`":
            if what == "d":
                self.y = min(count, self.height) - 1
            else:
                self.x = count - 1
        elif what == "A":
            self.y = max(0, self.y - count)
        elif what == "B":
            self.y = min(self.height - 1, self.y + count)
        elif what == "C":
            self.x += count
        elif what == "D":
            self.x = max(0, self.x - count)
        elif what == "J":
            for y in range(self.y if numbers[0] == 0 else 0, self.height):
                self.cells[y][self.x if y == self.y and numbers[0] == 0 else 0:] = [" "] * (self.width - (self.x if y == self.y and numbers[0] == 0 else 0))
        elif what == "K":
            row, x = self.cells[self.y], min(self.x, self.width)
            if numbers[0] == 1:
                row[:x + 1] = [" "] * min(x + 1, self.width)
            else:
                row[x:] = [" "] * (self.width - x)
        elif what == "X":
            self.cells[self.y][self.x:self.x + count] = [" "] * len(self.cells[self.y][self.x:self.x + count])
        elif what == "b":
            for _ in range(count):
                self.put(self.last)
        elif what == "P":
            row = self.cells[self.y]
            del row[self.x:self.x + count]
            row += [" "] * (self.width - len(row))
        elif what == "@":
            row = self.cells[self.y]
            row[self.x:self.x] = [" "] * count
            del row[self.width:]
        elif what == "Z":
            self.x = max(0, self.x - 1) // 8 * 8
        elif what == "r":
            self.region = (max(1, numbers[0]) - 1, numbers[1] if len(numbers) > 1 else self.height)
            self.x = self.y = 0
        elif what in "LMST":
            # Lines are put in, or taken out, and the region keeps its size.
            at, end = (self.y if what in "LM" else self.region[0]), min(self.region[1], self.height)
            count = min(count, end - at)
            empty = [[" "] * self.width for _ in range(count)]
            kept = self.cells[at:end]
            self.cells[at:end] = empty + kept[:len(kept) - count] if what in "LT" else kept[count:] + empty
        elif what == "m":
            self.coloured = self.coloured or any(30 <= n <= 37 or 90 <= n <= 97 for n in numbers)

    def put(self, character):
        if character == "\r":
            self.x = 0
        elif character == "\n":
            self.y = min(self.height - 1, self.y + 1)
        elif character == "\t":
            self.x = (self.x // 8 + 1) * 8
        elif character == "\b":
            self.x = max(0, self.x - 1)
        elif ord(character) >= 32:
            if self.x >= self.width:
                self.x, self.y = 0, min(self.height - 1, self.y + 1)
            self.cells[self.y][self.x] = self.last = character
            self.x += 1
            if unicodedata.east_asian_width(character) in "WF":
                if self.x < self.width:
                    self.cells[self.y][self.x] = ""
                self.x += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)


class Top:
    def __init__(self, brain, *arguments, size=(80, 24), **environment):
        self.screen, self.decoder, self.raw = Screen(*size), codecs.getincrementaldecoder("utf-8")("replace"), b""
        self.master, self.slave = pty.openpty()
        self.size(*size)
        self.before = termios.tcgetattr(self.slave)
        variables = {name: value for name, value in brain.environment.items() if name not in ("LC_ALL", "LC_MESSAGES", "NO_COLOR")}
        variables.update(TERM="xterm", LANG="C.UTF-8", **environment)
        self.process = subprocess.Popen([WEIR, "top", "--call-timeout", "3", *arguments], env=variables, stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.PIPE, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def size(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(width, height)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, patience):
        if not select.select([self.master], [], [], patience)[0]:
            return False
        got = os.read(self.master, 65536)
        self.raw += got
        self.screen.feed(self.decoder.decode(got))
        return True

    def until(self, *words, gone=(), patience=20):
        """Reads until the screen holds all of the words, and none of those that are to go."""
        end = time.monotonic() + patience
        while True:
            shown = self.screen.text()
            if all(word in shown for word in words) and not any(word in shown for word in gone):
                return shown
            if time.monotonic() > end:
                raise AssertionError(f"there is no {words} or still {gone} in\n{shown}")
            if not self.read(0.2) and self.process.poll() is not None:
                raise AssertionError(f"it has ended with {self.process.returncode}: {self.process.stderr.read().decode()}\n{shown}")

    def end(self):
        """Its exit code; the terminal is as it was before."""
        end = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        while self.read(0.1):
            pass
        code = self.process.wait(1)
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"
        assert b"\x1b[?1049l" in self.raw, "the screen from before is not back"
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


class TopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.brain = Brain(WEIR)
        cls.brain.start()
        cls.brain.run("apply", "-f", "-", text=REGION)

    @classmethod
    def tearDownClass(cls):
        cls.brain.end()

    def top(self, *arguments, **more):
        top = Top(self.brain, *arguments, **more)
        self.addCleanup(top.close)
        return top

    def test_keys_and_what_they_show(self):
        top = self.top()
        shown = top.until("hub ", "metro ", "street ", "3: 3 unknown", "? help", "live")
        self.assertIn("[1 Sites]", shown)
        self.assertLess(shown.index("hub "), shown.index("street "))
        self.assertTrue(top.screen.coloured)
        top.press("r")
        top.until("SITEv")
        top.press("?")
        top.until("another view", gone=["SITEv"])
        top.press("q")
        top.until("SITEv")
        top.press("/ME")
        top.until("filter: ME_", "metro", gone=["street "])
        top.press("\x1b")
        top.until("street ")
        top.press("\r")
        top.until("kind: Site", "name: street")
        top.press("\x1b")
        top.until("SITEv")
        top.press("3")
        top.until("[3 Intents]", "there are none")
        top.press("\t")
        top.until("[4 Runs]")
        top.press("6")
        top.until("[6 Events]")
        # It is followed: what happens now is there without a key.
        self.brain.run("apply", "-f", "-", text="apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: harbour}\n")
        top.until("harbour")
        top.press("q")
        self.assertEqual(top.end(), 0)

    def test_every_size(self):
        top = self.top(size=(80, 24))
        top.until("metro", "? help")
        for width, height, words in ((40, 10, ["metro", "live"]), (20, 4, ["hub"]), (19, 4, ["too small"]), (120, 40, ["杭州城西", "metro"]), (80, 24, ["metro"])):
            top.size(width, height)
            top.until(*words)
        # Wide characters take two columns each: what follows them stands under its title.
        top.size(120, 24)
        lines = top.until("REGION", "杭州城西").splitlines()
        title = next(line for line in lines if "REGION" in line)
        row = next(line for line in lines if line.startswith("hub"))
        self.assertEqual(title.index("REGION"), row.index("杭州城西"))
        top.press("q")
        self.assertEqual(top.end(), 0)

    def test_the_terminal_comes_back_whatever_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            top = self.top()
            top.until("metro")
            top.process.send_signal(number)
            self.assertEqual(top.end(), -number)
        top = self.top()
        top.until("metro")
        top.press("\x03")
        self.assertEqual(top.end(), -signal.SIGINT)

    def test_no_colour_and_chinese(self):
        top = self.top(NO_COLOR="1", LC_ALL="zh_CN.UTF-8")
        top.until("[1 站点]", "hub", "? 帮助", "3: 3 unknown")
        top.press("q")
        self.assertEqual(top.end(), 0)
        self.assertFalse(top.screen.coloured)

    def test_the_brain_goes_away_and_comes_back(self):
        top = self.top("--interval", "1")
        top.until("metro", "live")
        self.brain.stop()
        top.until("NOT REACHED", "tried again", "metro")
        self.brain.start()
        top.until("live", gone=["NOT REACHED", "tried again"])
        # And what follows is followed again.
        top.press("6")
        top.until("[6 Events]")
        self.brain.run("apply", "-f", "-", text="apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: lagoon}\n")
        top.until("lagoon")
        top.press("q")
        self.assertEqual(top.end(), 0)

    def test_without_a_terminal(self):
        def top(*arguments, **environment):
            return subprocess.run([WEIR, "top", *arguments], env=dict(self.brain.environment, **environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        refused = top()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("no terminal", refused.stderr)
        self.assertIn("--once", refused.stderr)
        plain = top("--once", "--view", "sites", "--sort=-SITE", "--filter", "t")
        self.assertEqual(plain.returncode, 0, plain.stderr)
        self.assertNotIn("\x1b", plain.stdout)
        self.assertLess(plain.stdout.index("\nstreet"), plain.stdout.index("\nmetro"))
        self.assertTrue(all(len(line) <= 80 for line in plain.stdout.splitlines()))
        frame = json.loads(top("--once", "-o", "json", "--filter", "hub").stdout)
        self.assertEqual([site["metadata"]["name"] for site in frame["items"]], ["hub"])
        self.assertEqual(frame["summary"]["sites"], {"count": 3, "states": {"unknown": 3}})
        self.assertIn("there is no column", top("--once", "--sort", "colour").stderr)
        self.assertEqual(top("-o", "json").returncode, 2)
        self.assertEqual(top("--interval", "0").returncode, 2)

    def test_a_terminal_that_cannot(self):
        for kind in ("dumb", "no-such-terminal"):
            master, slave = pty.openpty()
            done = subprocess.run([WEIR, "top"], env=dict(self.brain.environment, TERM=kind), stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60)
            os.close(master)
            os.close(slave)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--once", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
