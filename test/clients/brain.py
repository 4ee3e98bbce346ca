"""A brain of the built binary, in a folder of its own on loopback."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import ssl


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Brain:
    def __init__(self, weir, settings=""):
        self.weir, self.work, self.process = weir, pathlib.Path(tempfile.mkdtemp(prefix="weir-client.")), None
        self.data = self.work / "brain"
        self.settings = []
        if settings:
            (self.work / "serve.toml").write_text(settings)
            self.settings = ["--config", str(self.work / "serve.toml")]
        self.grpc, self.rest = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.context = self.data / "context.toml"
        self.environment = dict(os.environ, HOME=str(self.work), WEIR_CONTEXT_FILE=str(self.context), WEIR_REST=self.rest)
        for name in ("WEIR_CONTEXT", "XDG_CONFIG_HOME"):
            self.environment.pop(name, None)

    def start(self):
        with open(self.work / "log", "ab") as log:
            self.process = subprocess.Popen([self.weir, "serve", "--data", str(self.data), "--listen", self.grpc, "--rest", self.rest, *self.settings],
                                            env=self.environment, stdout=log, stderr=log)
        anybody = ssl._create_unverified_context()
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"https://{self.rest}/healthz", timeout=2, context=anybody).close()
                if self.context.exists():
                    return
            except (OSError, urllib.error.URLError):
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the brain does not start: " + (self.work / "log").read_text())
            time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def run(self, *arguments, text=None):
        return subprocess.run([self.weir, *arguments], env=self.environment, input=text, text=True, capture_output=True, timeout=60, check=True).stdout

    def end(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.work, ignore_errors=True)
