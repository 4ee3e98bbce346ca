#!/usr/bin/env python3
"""Webhooks and TM Forum's API over a real brain, with receivers on loopback: webhook_test.py WEIR"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import signal
import ssl
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
from brain import Brain  # noqa: E402
import weir  # noqa: E402

TMF = "/tmf-api/intentManagement/v5"
SPEC = {"workload": {"job": {"artifact": "hello", "cpu": "0.1", "memory": "16Mi"}}, "schedule": {"run_time": "1m", "run_time_max": "2m"}}


class Receiver:
    """Notes what is posted; answers `status`."""

    def __init__(self, status=204):
        self.got, self.came, self.status = [], threading.Condition(), status
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.came:
                    receiver.got.append((dict(self.headers), body))
                    receiver.came.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, right, seconds=20):
        with self.came:
            if not self.came.wait_for(lambda: right([json.loads(body) for _, body in self.got]), seconds):
                raise AssertionError(f"not within {seconds} s: {[body for _, body in self.got]}")
            return list(self.got)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def tenant(name):
    return {"apiVersion": "weir/v1", "kind": "Tenant", "metadata": {"name": name}}


def is_from_weir(headers, body, secret):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return hmac.compare_digest(headers["webhook-signature"], "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode())


class WebhookTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.brain = Brain(BINARY)
        cls.brain.start()
        cls.op = weir.Client.from_context(cls.brain.context, rest=cls.brain.rest)
        cls.op.apply([tenant("city"), tenant("rival")])
        cls.tokens = {name: cls.op.issue_token(name, role="tenant")["bearer"] for name in ("city", "rival")}

    @classmethod
    def tearDownClass(cls):
        cls.brain.end()

    def receiver(self, status=204):
        made = Receiver(status)
        self.addCleanup(made.close)
        return made

    def tmf(self, method, path, who="city", body=None):
        """(status, headers, document)"""
        request = urllib.request.Request(f"https://{self.brain.rest}{TMF}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": "Bearer " + self.tokens[who], "Content-Type": "application/json"})
        context = ssl.create_default_context(cafile=str(self.brain.data / "ca" / "ca.crt"))
        context.check_hostname = False
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                text = answer.read()
                return answer.status, answer.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, json.loads(refused.read())

    def test_events_are_posted_signed_also_after_a_kill(self):
        receiver, dead = self.receiver(), self.receiver(500)
        secret = self.brain.run("webhook", "add", receiver.url, "--event", "TenantDefined").strip()
        self.brain.run("webhook", "add", dead.url, "--event", "TenantDefined", "--quiet")
        self.op.apply(tenant("one"))
        receiver.wait_for(lambda bodies: any(one["subject"] == "tenant/one" for one in bodies))
        self.brain.stop(signal.SIGKILL)
        self.brain.start()
        self.op.apply(tenant("two"))
        got = receiver.wait_for(lambda bodies: any(one["subject"] == "tenant/two" for one in bodies))
        for headers, body in got:
            self.assertTrue(is_from_weir(headers, body, secret))
            self.assertFalse(is_from_weir(headers, body + b" ", secret))
        positions = [int(json.loads(body)["position"]) for _, body in got]
        self.assertEqual(sorted(positions), positions, "in the ledger's order, if not each once")
        dead.wait_for(lambda bodies: len(bodies) >= 2)
        listed = json.loads(self.brain.run("webhook", "list", "-o", "json"))
        self.assertNotIn("secret", json.dumps(listed))
        failing = next(one for one in listed["webhooks"] if one["url"] == dead.url)
        self.assertEqual((failing["state"], failing["why"]), ("failing", "the receiver answered 500"))
        self.assertIn(failing["id"], self.brain.run("webhook", "list"))
        for one in listed["webhooks"]:
            self.assertIn("removed", self.brain.run("webhook", "remove", one["id"]))
        with self.assertRaises(subprocess.CalledProcessError) as gone:
            self.brain.run("webhook", "remove", failing["id"])
        self.assertEqual(gone.exception.returncode, 3)
        self.assertEqual(self.op.webhooks().get("webhooks", []), [])

    def test_a_tenant_reaches_no_private_address(self):
        status, _, said = self.tmf("POST", "/hub", body={"callback": "https://127.0.0.1/in"})
        self.assertEqual((status, said["code"]), (403, "denied"), said)
        with self.assertRaises(weir.Denied):
            weir.Client(self.brain.rest, self.tokens["city"], ca=str(self.brain.data / "ca" / "ca.crt")).add_webhook("http://example.org/")

    def test_tm_forums_way_of_an_intent(self):
        receiver = self.receiver()
        secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
        hub = {"callback": receiver.url, "query": "eventType=IntentCreateEvent,IntentDeleteEvent", "secret": secret}
        self.tokens["op"] = self.op.issue_token("bob", role="operator")["bearer"]
        status, headers, made = self.tmf("POST", "/hub", "op", hub)
        self.assertEqual((status, headers["Location"]), (201, f"{TMF}/hub/{made['id']}"), made)
        intent = {"@type": "Intent", "name": "count", "expression": {"@type": "JsonLdExpression", "expressionValue": {"spec": SPEC}}}
        status, headers, created = self.tmf("POST", "/intent", body=intent)
        self.assertEqual((status, headers["Location"]), (201, f"{TMF}/intent/city.count"), created)
        self.assertEqual(self.tmf("POST", "/intent", body=intent)[0], 409)
        self.assertEqual(self.tmf("GET", "/intent/city.count")[2]["name"], "count")
        self.assertEqual(self.tmf("GET", "/intent/city.count", "rival")[0], 404)
        status, headers, listed = self.tmf("GET", "/intent?fields=name&limit=1")
        self.assertEqual((status, headers["X-Total-Count"], headers["X-Result-Count"], listed[0]["name"]), (200, "1", "1", "count"))
        patch = {"expression": {"expressionValue": {"spec": {"workload": {"job": {"cpu": "0.2"}}}}}}
        status, _, patched = self.tmf("PATCH", "/intent/city.count", body=patch)
        self.assertEqual((status, patched["version"]), (200, "2"), patched)
        reports = self.tmf("GET", "/intent/city.count/intentReport")[2]
        self.assertEqual(reports[0]["id"], "current")
        status, headers, nothing = self.tmf("DELETE", "/intent/city.count")
        self.assertEqual((status, nothing), (204, None))
        self.assertIsNone(headers["Content-Length"], "RFC 9110, section 8.6")
        got = receiver.wait_for(lambda bodies: any(one["eventType"] == "IntentDeleteEvent" for one in bodies))
        self.assertEqual([json.loads(body)["eventType"] for _, body in got], ["IntentCreateEvent", "IntentDeleteEvent"])
        self.assertTrue(all(is_from_weir(headers, body, secret) for headers, body in got))
        self.assertEqual(self.tmf("DELETE", f"/hub/{made['id']}", "op")[0], 204)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
