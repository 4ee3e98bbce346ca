#!/usr/bin/env python3
"""`weir mcp --listen`, as a program asks it over HTTP, against a brain. Usage: mcp_http_test.py PATH_OF_WEIR"""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys
import unittest
import urllib.parse

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "clients" / "python")]

import weir  # noqa: E402
from brain import Brain  # noqa: E402

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "weir"
TENANT = "apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: %s}\n"
BODY_MAX = 2 << 20
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"}}


class Server:
    def __init__(self, brain, *arguments):
        self.process = subprocess.Popen([WEIR, "mcp", "--listen", "127.0.0.1:0", "--call-timeout", "5", *arguments], env=brain.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        url = urllib.parse.urlsplit(self.process.stdout.readline().strip())
        if not url.port:
            raise RuntimeError("it does not listen: " + self.process.stderr.read())
        self.address, self.path = (url.hostname, url.port), url.path

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Caller:
    def __init__(self, server, token=None):
        self.server, self.token, self.session, self.number = server, token, None, 0

    def http(self, method, body=None, **headers):
        """(status, headers, JSON or None)"""
        connection = http.client.HTTPConnection(*self.server.address, timeout=30)
        sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if self.session:
            sent["Mcp-Session-Id"] = self.session
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(method, self.server.path, body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
                           {name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.headers, json.loads(text) if text else None

    def ask(self, method, params=None, **headers):
        self.number += 1
        status, found, body = self.http("POST", {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}, **headers)
        assert body is None or body.get("id") in (self.number, None), body
        return status, found, body

    def begin(self, revision="2025-11-25"):
        status, headers, body = self.ask("initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
        assert status == 200, body
        self.session = headers["Mcp-Session-Id"]
        told = self.http("POST", {"jsonrpc": "2.0", "method": "notifications/initialized"}, MCP_Protocol_Version=revision)
        assert told[0] == 202 and told[2] is None, told
        return body["result"]

    def call(self, tool, **arguments):
        status, _, body = self.ask("tools/call", {"name": tool, "arguments": arguments}, MCP_Protocol_Version="2025-11-25")
        assert status == 200, body
        return body["result"]

    def alone(self, method, name=None, **params):
        return self.ask(method, {**params, **({"name": name} if name else {}), "_meta": META}, MCP_Protocol_Version="2026-07-28", Mcp_Method=method, Mcp_Name=name)


class McpHttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.brain = Brain(WEIR)
        cls.brain.start()
        cls.op = weir.Client.from_context(cls.brain.context, rest=cls.brain.rest)
        cls.op.apply(TENANT % "city" + "---\n" + TENANT % "harbour")
        cls.operator = weir._read_context(cls.brain.context, None)["token"]
        cls.city = cls.op.issue_token("city", role="tenant")
        cls.server = Server(cls.brain, "--allow-origin", "https://desk.example.org")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()
        cls.brain.end()

    def test_a_session(self):
        caller = Caller(self.server, self.operator)
        self.assertEqual(caller.begin()["protocolVersion"], "2025-11-25")
        self.assertEqual(len(caller.ask("tools/list")[2]["result"]["tools"]), 8)
        self.assertFalse(caller.call("plan_resources", yaml=TENANT % "lagoon")["isError"])
        done = caller.call("apply_resources", yaml=TENANT % "lagoon", dry_run=False, approve=True)
        self.assertEqual(done["structuredContent"]["applied"]["results"][0]["action"], "created")
        self.assertIn("nothing that can be withdrawn", caller.call("withdraw", kind="tenant", name="lagoon")["content"][0]["text"])
        self.assertEqual(caller.http("DELETE")[0], 204)
        self.assertEqual(caller.ask("tools/list")[0], 404)

    def test_requests_that_stand_alone(self):
        caller = Caller(self.server, self.operator)
        status, headers, found = caller.alone("server/discover")
        self.assertEqual((status, headers["Mcp-Session-Id"]), (200, None))
        self.assertEqual(found["result"]["supportedVersions"][:2], ["2026-07-28", "2025-11-25"])
        status, _, done = caller.alone("tools/call", "list_resources", arguments={"kind": "tenant"})
        self.assertEqual((status, done["result"]["resultType"], done["result"]["isError"]), (200, "complete", False))
        self.assertEqual(caller.alone("ping")[0], 404)
        status, _, wrong = caller.ask("tools/list", {"_meta": META}, MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/call")
        self.assertEqual((status, wrong["error"]["code"]), (400, -32020))
        status, _, wrong = caller.ask("tools/list", {"_meta": {**META, "io.modelcontextprotocol/protocolVersion": "1900-01-01"}}, MCP_Protocol_Version="1900-01-01")
        self.assertEqual((status, wrong["error"]["code"], wrong["error"]["data"]["requested"]), (400, -32022, "1900-01-01"))

    def test_tools_act_as_the_caller(self):
        for token in (None, "weiru.0123456789abcdef.nonsense", self.operator + "x"):
            status, headers, _ = Caller(self.server, token).alone("tools/list")
            self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"), token)
        status, _, done = Caller(self.server, self.city["bearer"]).alone("tools/call", "list_resources", arguments={"kind": "tenant"})
        self.assertEqual([item["tenant"]["metadata"]["name"] for item in done["result"]["structuredContent"]["items"]], ["city"], "its own alone")
        city = Caller(self.server, self.city["bearer"])
        city.begin()
        self.assertTrue(city.call("apply_resources", yaml=TENANT % "mine", dry_run=False, approve=True)["isError"], "what the role may not")
        # A session is of who began it.
        stolen = Caller(self.server, self.operator)
        stolen.session = city.session
        self.assertEqual(stolen.ask("tools/list")[0], 404)
        # A token that ends, ends what is done with it.
        gone = self.op.issue_token("harbour", role="tenant")
        harbour = Caller(self.server, gone["bearer"])
        harbour.begin()
        self.assertFalse(harbour.call("list_resources", kind="tenant")["isError"])
        self.op.revoke_token(gone["token"])
        self.assertTrue(harbour.call("list_resources", kind="tenant")["isError"])

    def test_who_may_ask_and_how(self):
        caller = Caller(self.server, self.operator)
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
        good = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/list"}
        self.assertEqual(caller.http("POST", body, Origin="https://evil.example", **good)[0], 403)
        self.assertEqual(caller.http("POST", body, Origin="https://desk.example.org", **good)[0], 200)
        self.assertEqual(caller.http("GET")[0], 405)
        self.assertEqual(caller.http("POST", body, Accept="application/json", **good)[0], 406)
        self.assertEqual(caller.http("POST", body, Content_Type="text/plain", **good)[0], 415)
        status, _, wrong = caller.http("POST", b"{" + b" " * (BODY_MAX - 1), **good)
        self.assertEqual((status, wrong["error"]["code"]), (400, -32700), "of that length it is read")
        self.assertEqual(caller.http("POST", b" " * (BODY_MAX + 1), **good)[0], 413)
        with socket.create_connection(self.server.address, 20) as plain:
            plain.sendall(b"nonsense\r\n\r\n")
            self.assertIn(b" 400 ", plain.recv(4096))
        with socket.create_connection(self.server.address, 20) as plain:
            plain.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 17000 + b"\r\n\r\n")
            self.assertIn(b" 431 ", plain.recv(4096))

    def test_many_at_once(self):
        import concurrent.futures
        def one(number):
            caller = Caller(self.server, self.operator if number % 2 else self.city["bearer"])
            status, _, done = caller.alone("tools/call", "list_resources", arguments={"kind": "tenant"})
            return status, number % 2, len(done["result"]["structuredContent"]["items"])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for status, operator, count in pool.map(one, range(32)):
                self.assertEqual(status, 200)
                self.assertTrue(count > 1 if operator else count == 1, "no one has another's token")

    def test_the_own_token_only_where_it_was_asked_for(self):
        server = Server(self.brain, "--own-token")
        try:
            status, _, done = Caller(server).alone("tools/call", "list_resources", arguments={"kind": "tenant"})
            self.assertEqual((status, done["result"]["isError"]), (200, False))
            self.assertEqual(Caller(server, "nonsense").alone("tools/list")[0], 401, "a bad token is not taken for none")
        finally:
            self.assertEqual(server.end(signal.SIGINT), 0)

    def test_what_cannot_be_listened_at(self):
        for listen, words in (("0.0.0.0:0", "tokens would go"), ("[::]:0", "tokens would go"), ("nonsense", "no address"), ("127.0.0.1:99999", "no address"), ("127.0.0.1:", "no address")):
            done = subprocess.run([WEIR, "mcp", "--listen", listen], env=self.brain.environment, capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(words, done.stderr)
        taken = subprocess.run([WEIR, "mcp", "--listen", "%s:%d" % self.server.address], env=self.brain.environment, capture_output=True, text=True, timeout=30)
        self.assertEqual(taken.returncode, 5, taken)
        self.assertEqual(subprocess.run([WEIR, "mcp", "--own-token"], env=self.brain.environment, capture_output=True, timeout=30).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
