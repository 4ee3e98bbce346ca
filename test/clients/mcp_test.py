#!/usr/bin/env python3
"""`weir mcp` over pipes, as a host of models drives it, against a brain. Usage: mcp_test.py PATH_OF_WEIR"""

import json
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]

from brain import Brain  # noqa: E402

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "weir"
TENANT = "apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: %s}\n"


class Session:
    def __init__(self, brain, *arguments):
        self.process = subprocess.Popen([WEIR, "mcp", *arguments], env=brain.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.number = 0

    def write(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def read(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, method, **params):
        self.number += 1
        self.write(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}))
        answer = self.read()
        assert answer["id"] == self.number, answer
        return answer

    def begin(self, revision="2025-11-25"):
        begun = self.ask("initialize", protocolVersion=revision, capabilities={}, clientInfo={"name": "test", "version": "1"})["result"]
        self.write('{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return begun

    def call(self, tool, **arguments):
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(10)
        rest = self.process.stdout.read()
        self.process.stdout.close()
        assert rest == "", rest
        return code


class McpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.brain = Brain(WEIR)
        cls.brain.start()

    @classmethod
    def tearDownClass(cls):
        cls.brain.end()

    def test_a_whole_session(self):
        session = Session(self.brain)
        self.assertEqual(session.begin()["protocolVersion"], "2025-11-25")
        self.assertEqual(session.ask("ping")["result"], {})
        tools = {tool["name"]: tool for tool in session.ask("tools/list")["result"]["tools"]}
        self.assertEqual(set(tools), {"list_resources", "get_resource", "ask", "plan_resources", "apply_resources", "explain", "withdraw", "prove"})
        self.assertEqual({name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]}, set(tools) - {"apply_resources", "withdraw"})
        self.assertFalse(session.call("plan_resources", yaml=TENANT % "city")["isError"])
        self.assertTrue(session.call("get_resource", kind="tenant", name="city")["isError"])
        self.assertTrue(session.call("apply_resources", yaml=TENANT % "city", dry_run=False)["isError"])
        done = session.call("apply_resources", yaml=TENANT % "city", dry_run=False, approve=True)
        self.assertEqual(done["structuredContent"]["applied"]["results"][0]["action"], "created")
        self.assertEqual(json.loads(done["content"][-1]["text"]), done["structuredContent"])
        got = session.call("get_resource", kind="tenant", name="city")["structuredContent"]
        self.assertEqual(got["resource"]["tenant"]["metadata"]["name"], "city")
        self.assertIn("Checked", session.call("prove", position=1)["content"][0]["text"])
        self.assertEqual(session.ask("tools/call", name="format_disk")["error"]["code"], -32602)
        for text, code in (("{", -32700), ("[]", -32600), ('{"jsonrpc":"2.0","id":1,"method":"x"}', -32601)):
            session.write(text)
            self.assertEqual(session.read()["error"]["code"], code)
        session.write("x" * ((2 << 20) + 1))
        self.assertIn("bytes", session.read()["error"]["message"])
        session.write("y" * (2 << 20))
        self.assertEqual(session.read()["error"]["code"], -32700, "of that length it is read")
        self.assertEqual(session.ask("ping")["result"], {})
        self.assertEqual(session.end(), 0)

    def test_a_brain_that_goes_away_is_told_and_comes_back(self):
        session = Session(self.brain, "--call-timeout", "3")
        session.begin()
        self.assertFalse(session.call("list_resources", kind="sites")["isError"])
        self.brain.stop()
        gone = session.call("list_resources", kind="sites")
        self.assertTrue(gone["isError"])
        self.assertIn("does not answer", gone["content"][0]["text"])
        self.brain.start()
        self.assertFalse(session.call("list_resources", kind="sites")["isError"])
        self.assertEqual(session.end(), 0)

    def test_without_a_context_the_session_begins_and_calls_say_why(self):
        session = Session(self.brain, "--context", "none")
        session.begin("2024-11-05")
        said = session.call("ask", dialogue=[{"text": "why"}])
        self.assertTrue(said["isError"])
        self.assertIn("no context none", said["content"][0]["text"])
        self.assertEqual(session.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
