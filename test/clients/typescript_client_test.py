#!/usr/bin/env python3
"""The TypeScript client: its types are those of the API, it compiles strictly, and it speaks with a brain. Usage: typescript_client_test.py PATH_OF_WEIR

Ends with 77, which is "skipped", where npm could not fetch the compiler (scripts/build-console does)."""

import pathlib
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE)]

from brain import Brain  # noqa: E402

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "weir"
CLIENT, MODULES = ROOT / "clients" / "typescript", ROOT / "console" / "node_modules"
KEEPER = """#!/usr/bin/env python3
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(%r)
    s.sendall(sys.argv[1].encode() + b"\\n")
    assert s.recv(16) == b"done\\n"
"""


def compile(*arguments):
    done = subprocess.run([str(MODULES / ".bin" / "tsc"), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class TypeScriptTest(unittest.TestCase):
    def test_its_types_are_those_of_the_api(self):
        done = subprocess.run([sys.executable, str(ROOT / "scripts" / "generate-typescript"), "--check", WEIR], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_browsers_get_needs_no_node(self):
        compile("-p", CLIENT, "--noEmit")

    def test_it_speaks_with_a_brain(self):
        with tempfile.TemporaryDirectory(prefix="weir-typescript.") as folder:
            work = pathlib.Path(folder)
            for file in (*CLIENT.glob("*.ts"), HERE / "typescript_client_test.ts"):
                shutil.copy(file, work)
            (work / "package.json").write_text('{"type": "module"}')
            compile("--target", "ES2022", "--lib", "ES2022,DOM,DOM.Iterable", "--module", "ES2022", "--moduleResolution", "bundler", "--strict",
                    "--noUncheckedIndexedAccess", "--typeRoots", MODULES / "@types", "--types", "node", "--outDir", work, work / "typescript_client_test.ts")
            brain = Brain(WEIR)
            asked = str(work / "keeper.socket")

            class Keeper(socketserver.StreamRequestHandler):
                def handle(self):
                    {"stop": brain.stop, "start": brain.start}[self.rfile.readline().decode().strip()]()
                    self.wfile.write(b"done\n")

            with socketserver.UnixStreamServer(asked, Keeper) as keeper:
                threading.Thread(target=keeper.serve_forever, daemon=True).start()
                script = work / "keeper"
                script.write_text(KEEPER % asked)
                script.chmod(0o755)
                try:
                    brain.start()
                    done = subprocess.run(["node", "--test", str(work / "typescript_client_test.js")], env=dict(brain.environment, WEIR_KEEPER=str(script)),
                                          capture_output=True, text=True, timeout=150)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                finally:
                    keeper.shutdown()
                    brain.end()


if __name__ == "__main__":
    if not (MODULES / ".bin" / "tsc").exists() or not shutil.which("node"):
        print("skipped: there is no TypeScript compiler (scripts/build-console fetches it)")
        sys.exit(77)
    unittest.main(verbosity=1)
