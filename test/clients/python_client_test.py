#!/usr/bin/env python3
"""The Python client against a brain. Usage: python_client_test.py PATH_OF_WEIR [TEST...]"""

import base64
import hashlib
import inspect
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "clients" / "python")]

import weir  # noqa: E402
from brain import Brain, free_port  # noqa: E402

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "weir"
REGION = """apiVersion: weir/v1
kind: Tenant
metadata: {name: city}
---
apiVersion: weir/v1
kind: Site
metadata: {name: hub}
spec:
  tier: edge
  region: Test
  asks: {core_hour: 1, gib_hour: 0.1}
  power: {idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: 500gCO2/kWh}
  availability: 99.9%
"""
INTENT = {"apiVersion": "weir/v1", "kind": "Intent", "metadata": {"name": "count", "tenant": "city"},
          "spec": {"workload": {"job": {"artifact": "hello", "cpu": 0.1, "memory": "64Mi"}}}}


def tenant(name):
    return {"apiVersion": "weir/v1", "kind": "Tenant", "metadata": {"name": name}}


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.brain = Brain(WEIR)
        cls.brain.start()
        cls.op = cls.client()
        cls.op.apply(REGION)

    @classmethod
    def tearDownClass(cls):
        cls.brain.end()

    @classmethod
    def client(cls, **more):
        return weir.Client.from_context(cls.brain.context, rest=cls.brain.rest, **more)

    @property
    def token(self):
        return weir._read_context(self.brain.context, None)["token"]

    @property
    def ca(self):
        return str(self.brain.data / "ca" / "ca.crt")

    def refused(self, kind, *words):
        test = self

        class Refused:
            def __enter__(self):
                self.manager = test.assertRaises(kind)
                self.manager.__enter__()
                return self.manager

            def __exit__(self, *of):
                done = self.manager.__exit__(*of)
                for word in words:
                    test.assertIn(word, str(self.manager.exception))
                return done

        return Refused()

    # ---- operations

    def test_every_operation_has_a_method(self):
        methods = {"Apply": "apply", "Get": "get", "List": "list", "Delete": "delete", "Explain": "explain", "ExplainByWorkflow": "explain_workflow",
                   "Ask": "ask", "RecordDialogue": "record_dialogue", "Rate": "rate", "Drain": "drain", "Undrain": "undrain", "Cordon": "cordon", "Uncordon": "uncordon", "RevokeSite": "revoke_site",
                   "Events": "events", "Logs": "logs", "Bill": "bill", "IssueToken": "issue_token", "RevokeToken": "revoke_token",
                   "WhoAmI": "who_am_i", "AddWebhook": "add_webhook", "ListWebhooks": "webhooks", "RemoveWebhook": "remove_webhook",
                   "LedgerHead": "ledger_head", "LedgerProof": "prove", "Health": "health", "Metrics": "metrics", "OpenApi": "openapi"}
        browsers = {"SignIn", "FinishSignIn", "SignInWays", "SignOut"}
        served = {operation["operationId"] for path in self.op.openapi()["paths"].values() for operation in path.values()} - browsers
        self.assertEqual(served, set(methods))
        for name in methods.values():
            self.assertTrue(callable(getattr(weir.Client, name)), name)
        for name, value in inspect.getmembers(weir.Client, inspect.isfunction):
            if not name.startswith("_") and name not in ("undrain", "uncordon", "revoke_token"):
                self.assertTrue(value.__doc__, name)

    def test_who_am_i(self):
        self.assertEqual({"role": "ROLE_OPERATOR", "by": "token"}.items() - self.op.who_am_i().items(), set())

    def test_resources_are_applied_read_listed_and_deleted(self):
        dry = self.op.apply(tenant("dry"), dry_run=True)
        self.assertEqual(dry["results"][0]["action"], "created")
        with self.refused(weir.NotFound, "dry"):
            self.op.get("tenant", "dry")
        names = [f"t{i}" for i in range(7)]
        self.assertEqual([one["action"] for one in self.op.apply([tenant(name) for name in names])["results"]], ["created"] * 7)
        self.assertEqual(self.op.apply("apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: t0}\n")["results"][0]["action"], "unchanged")
        for page_size in (1, 3, None):
            listed = [one["metadata"]["name"] for one in self.op.list("tenants", page_size=page_size)]
            self.assertEqual(sorted(set(listed)), sorted(listed))
            self.assertLessEqual(set(names) | {"city"}, set(listed))
        self.assertEqual([one["metadata"]["name"] for one in self.op.list("tenant", filter="name=t3")], ["t3"])
        self.assertEqual(self.op.get("site", "hub")["spec"]["region"], "Test")
        self.op.apply(INTENT)
        self.assertEqual(self.op.get("intent", "count", tenant="city")["spec"]["workload"]["job"]["memory"], "64Mi")
        self.assertEqual(self.op.delete("intent", "count", tenant="city").keys(), {"version"})
        self.assertIsNone(self.op.wait("intent", "count", "absent", tenant="city", timeout=5))
        with self.refused(weir.NotFound):
            self.op.delete("intent", "count", tenant="city")

    def test_what_stands_and_why(self):
        intent = dict(INTENT, metadata={"name": "why", "tenant": "city"})
        self.op.apply(intent)
        self.assertEqual(self.op.wait("tenant", "city", "present")["metadata"]["name"], "city")
        stands = self.op.wait("intent", "why", lambda one: one.get("status", {}).get("state") not in ("", "pending", None), tenant="city", timeout=20)
        self.assertIn(stands["status"]["state"], ("refused", "waiting"))
        with self.assertRaises((weir.NotReached, weir.TimedOut)) as said:
            self.op.wait("intent", "why", "running", tenant="city", timeout=0.5)
        self.assertEqual(said.exception.resource["metadata"]["name"], "why")
        with self.refused(weir.TimedOut, "site/hub", "0.3 s"):
            self.op.wait("site", "hub", "up", timeout=0.3)
        self.assertTrue(self.op.explain("why", tenant="city")["text"])
        self.assertIn("whatIf", self.op.explain("why", tenant="city", what_if=["workload.job.cpu=0.2", "memory=32Mi"]))
        self.assertTrue(self.op.rate("why", "bad", because="slow", tenant="city")["changed"])
        self.assertFalse(self.op.rate("why", "bad", because="slow", tenant="city").get("changed", False))
        with self.refused(weir.Invalid, "because"):
            self.op.rate("why", "good", because="slow", tenant="city")
        self.assertTrue(self.op.record_dialogue(["run hello once"], "declined", [{"intent": {"apiVersion": "weir/v1", "kind": "Intent", "metadata": {"name": "new", "tenant": "city"}, "spec": {"workload": {"job": {"artifact": "hello", "cpu": "0.1", "memory": "64Mi"}}}}}], tenant="city")["recorded"])
        with self.refused(weir.NotFound, "nothing"):
            self.op.explain_workflow("nothing", tenant="city")
        answer = self.op.ask(["run hello once with half a core", "with 2 cores"], tenant="city")
        self.assertEqual(answer["language"], "en")
        self.assertIn("confidencePermille", answer["wishes"][0])
        with self.refused(weir.Conflict, "never attached"):
            self.op.drain("hub", why="test")
        with self.refused(weir.Error):
            self.op.undrain("hub")
        self.assertIsInstance(self.op.bill("city"), list)
        self.assertIn("weir_ledger_records_total", self.op.metrics())
        self.assertGreater(self.op.health(), 1)
        with self.refused(weir.NotFound):
            list(self.op.logs(1, 0))
        with self.refused(weir.NotFound):
            self.op.cordon("n0", site="hub", why="test")
        with self.refused(weir.NotFound):
            self.op.uncordon("n0", site="hub")
        with self.refused(weir.NotFound):
            self.op.revoke_site("nowhere")

    def test_proofs_are_checked(self):
        for i in range(6):
            self.op.apply(tenant(f"proof{i}"))
        end = time.monotonic() + 10
        while int((head := self.op.ledger_head())["size"]) < int(head["durable"]) and time.monotonic() < end:
            time.sleep(0.05)
        size = int(head["size"])
        for position in range(size):
            proof = self.op.prove(position, size=size)
            weir.verify_inclusion(proof, head["rootSha256"])
        for old_size in range(1, size + 1):
            old_root = self.op.prove(0, size=old_size)["rootSha256"]
            weir.verify_growth(self.op.prove(0, size=size, old_size=old_size), old_size, old_root)
        other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
        proof = self.op.prove(2, size=size)
        for changed in (dict(proof, record=other), dict(proof, position="3"), dict(proof, auditPath=proof["auditPath"][1:]), dict(proof, position=str(size)),
                        dict(proof, auditPath=proof["auditPath"] + [other]), dict(proof, leafSha256=other), dict(proof, rootSha256=other)):
            with self.refused(weir.Corrupt):
                weir.verify_inclusion(changed)
        with self.refused(weir.Corrupt):
            weir.verify_inclusion(proof, other)
        for old_size in (0, 2, 3, size, size + 1):
            with self.refused(weir.Corrupt):
                weir.verify_growth(self.op.prove(0, size=size, old_size=min(max(old_size, 1), size)), old_size, other)

    # ---- bad input

    def test_who_may_not_is_told(self):
        wrong = self.token[:-3] + ("aaa" if not self.token.endswith("aaa") else "bbb")
        with self.refused(weir.Denied) as said:
            weir.Client(self.brain.rest, wrong, self.ca).get("site", "hub")
        self.assertEqual(said.exception.status, 401)
        with self.refused(weir.Denied):
            weir.Client(self.brain.rest, None, self.ca).get("site", "hub")
        issued = self.op.issue_token("city", role="tenant", lifetime=3600)
        city = weir.Client(self.brain.rest, issued["bearer"], pathlib.Path(self.ca).read_text())
        self.assertEqual([one["metadata"]["name"] for one in city.list("tenant")], ["city"])
        with self.refused(weir.Denied, "operator") as said:
            city.drain("hub")
        self.assertEqual(said.exception.status, 403)
        got = []

        def follow():
            try:
                got.extend(city.events(tail=True, names=["TokenRevoked"]))
            except weir.Error as error:
                got.append(error)

        thread = threading.Thread(target=follow)
        thread.start()
        until(lambda: is_heard(self.op))
        self.op.revoke_token(issued["token"])
        thread.join(30)
        self.assertIsInstance(got[-1], weir.Denied)

    def test_who_is_not_the_brain_is_not_spoken_to(self):
        other = self.brain.work / "other"
        if not other.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other", "-days", "2",
                            "-keyout", "/dev/null", "-out", str(other)], check=True, capture_output=True)
        for client in (weir.Client(self.brain.rest, self.token, str(other)), weir.Client(self.brain.rest, self.token, ca_fingerprint="0" * 64)):
            began = time.monotonic()
            with self.refused(weir.Untrusted, self.brain.rest):
                client.get("site", "hub")
            self.assertLess(time.monotonic() - began, 5, "it is not tried again")
        der = ssl.PEM_cert_to_DER_cert(pathlib.Path(self.ca).read_text())
        self.assertEqual(weir.Client(self.brain.rest, self.token, ca_fingerprint=hashlib.sha256(der).hexdigest()).get("site", "hub")["spec"]["tier"], "edge")
        for bad in (dict(ca="/nonexistent"), dict(ca="-----BEGIN nothing"), dict(), dict(ca_fingerprint="0" * 63), dict(ca=self.ca, timeout=0),
                    dict(ca=self.ca, retry_for=-1), dict(ca=self.ca, token="a b"), dict(ca=self.ca, rest="nowhere"), dict(ca=self.ca, rest="h:65536"),
                    dict(ca=self.ca, rest="h:0")):
            with self.refused(weir.Invalid):
                weir.Client(**{"rest": self.brain.rest, "token": self.token, **bad})

    def test_what_cannot_be_is_refused_in_words(self):
        with self.refused(weir.NotFound, "nobody"):
            self.op.get("intent", "nobody", tenant="city")
        with self.refused(weir.Invalid, "castle"):
            self.op.get("castle", "hub")
        with self.refused(weir.Invalid, "specs"):
            self.op.apply("apiVersion: weir/v1\nkind: Intent\nspecs: 3\n")
        with self.refused(weir.Invalid, "page_size"):
            list(self.op.list("site", page_size="many"))
        with self.refused(weir.Invalid) as said:
            self.op.apply("#" * ((1 << 20) + 1))
        self.assertEqual(said.exception.status, 413)
        with self.refused(weir.Invalid, "Nonsense"):
            list(self.op.events(names=["Nonsense"]))
        with self.refused(weir.NotFound):
            self.op.get("site", "a/b?c#d")

    def test_answers_that_are_no_problem_details(self):
        for status, kind in ((503, weir.Unavailable), (502, weir.Unavailable), (500, weir.Internal), (404, weir.Internal)):
            for body in (b"", b"<html>", b"[]", b"{}", b'"x"', b'{"code":"other"}', b'{"code":[]}'):
                self.assertIs(type(weir._problem(body, status)), kind, body)
        self.assertIs(type(weir._problem(b'{"code":"conflict","what":"changed"}', 409)), weir.Conflict)

    def test_files_of_contexts(self):
        path = self.brain.work / "contexts.toml"

        def read(text, name=None, mode=0o600):
            path.write_text(text)
            path.chmod(mode)
            return weir._read_context(path, name)

        self.assertEqual(read('current = "a"  # one\n\n[contexts.a]\nendpoint = "h:1"\ntoken = \'x\\y\'\n')["token"], "x\\y")
        self.assertEqual(read('[contexts.a]\nca_certificate = "q\\"\\\\"\n', "a")["ca_certificate"], 'q"\\')
        for text, name, kind in (("", None, weir.NotFound), ('current = "b"\n', None, weir.NotFound), ("[contexts.a]\n", "b", weir.NotFound),
                                 ("[other]\n", "a", weir.Invalid), ("[contexts.a]\nx = 1\n", "a", weir.Invalid), ("nonsense\n", "a", weir.Invalid),
                                 ('[contexts.a]\nx = "1"\n[contexts.a]\n', "a", weir.Invalid), ("\n" * (64 << 10) + "\n", "a", weir.Invalid)):
            with self.refused(kind, str(path)):
                read(text, name)
        self.assertEqual(read("[contexts.a]\n" + "#" * ((64 << 10) - 13), "a"), {})
        with self.refused(weir.Denied, "chmod"):
            read("", "a", 0o644)
        path.write_bytes(b"\xff")
        path.chmod(0o600)
        with self.refused(weir.Invalid, "UTF-8"):
            weir._read_context(path, "a")
        with self.refused(weir.NotFound, "gone.toml"):
            weir.Client.from_context(self.brain.work / "gone.toml")
        with self.refused(weir.Invalid, "endpoint"):
            path.write_text("[contexts.a]\n")
            weir.Client.from_context(path, "a")


class BusyTest(unittest.TestCase):
    """A brain that answers two questions, and then one a second."""

    def setUp(self):
        self.brain = Brain(WEIR, "[limits]\noperator_per_second = 1\noperator_burst = 2\n")
        self.brain.start()
        self.addCleanup(self.brain.end)

    def client(self, **more):
        return weir.Client.from_context(self.brain.context, rest=self.brain.rest, **more)

    def test_calls_wait_as_long_as_the_brain_says(self):
        begun = time.monotonic()
        patient, hasty = self.client(retry_for=30), self.client(retry_for=0.5)
        for _ in range(4):
            self.assertEqual(patient.who_am_i()["role"], "ROLE_OPERATOR")
        self.assertGreaterEqual(time.monotonic() - begun, 1.5)
        with self.assertRaises(weir.Exhausted) as said:
            for _ in range(100):
                hasty.who_am_i()
        self.assertEqual((said.exception.status, said.exception.retry_after), (429, 1))
        self.assertIn("too many requests", said.exception.what)

    def test_a_change_under_its_key_is_made_once(self):
        tenant = {"apiVersion": "weir/v1", "kind": "Tenant", "metadata": {"name": "harbour"}}
        operator = self.client(retry_for=30)
        asked = []
        once = operator._once

        def twice(method, target, body, headers):  # as after an answer that was lost
            asked.append(headers["Idempotency-Key"])
            once(method, target, body, headers)
            time.sleep(2)
            return once(method, target, body, headers)

        operator._once = twice
        self.assertEqual(operator.apply(tenant)["results"][0]["action"], "created")
        self.assertEqual(operator.apply(tenant)["results"][0].get("action"), "unchanged")
        self.assertEqual(len(set(asked)), 2)


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def is_heard(brain):
    """Does somebody read events? A stream that begins at the tail tells nothing of what was before."""
    return "\nweir_rest_streams 1" in brain.metrics()


class AwayTest(unittest.TestCase):
    """Brains that go away and come back."""

    def setUp(self):
        self.brain = Brain(WEIR)
        self.brain.start()
        self.addCleanup(self.brain.end)

    def client(self, **more):
        return weir.Client.from_context(self.brain.context, rest=self.brain.rest, **more)

    def test_calls_wait_for_the_brain_as_long_as_they_may(self):
        patient, hasty = self.client(retry_for=30), self.client(retry_for=0.5)
        patient.apply(tenant("first"))
        self.brain.stop(signal.SIGKILL)
        began = time.monotonic()
        with self.assertRaises(weir.Unavailable) as said:
            hasty.get("tenant", "first")
        self.assertIn(self.brain.rest, str(said.exception))
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        self.assertLess(time.monotonic() - began, 5)
        back = threading.Timer(0.5, self.brain.start)
        back.start()
        self.assertEqual(patient.apply(tenant("first"))["results"][0]["action"], "unchanged")
        back.join()
        with self.assertRaises(weir.Unavailable):
            weir.Client(f"127.0.0.1:{free_port()}", None, str(self.brain.data / "ca" / "ca.crt"), retry_for=0).health()

    def test_a_stream_goes_on_where_it_was(self):
        operator = self.client(retry_for=30)
        first = operator.health()
        got, more = [], threading.Event()

        def follow():
            for event in operator.events(tail=True, names=["TenantDefined"], limit=6):
                got.append((int(event["position"]), event["subject"]))
                more.set()

        follower = threading.Thread(target=follow)
        follower.start()
        until(lambda: is_heard(operator))
        for round_ in range(3):
            for i in range(2):
                more.clear()
                operator.apply(tenant(f"t{round_}{i}"))
                if i == 0:
                    self.assertTrue(more.wait(20), got)
            self.brain.stop(signal.SIGKILL if round_ < 2 else signal.SIGTERM)
            self.brain.start()
        follower.join(30)
        self.assertEqual([subject for _, subject in got], [f"tenant/t{r}{i}" for r in range(3) for i in range(2)])
        whole = [int(event["position"]) for event in operator.events(since_position=first, follow=False, names=["TenantDefined"])]
        self.assertEqual([position for position, _ in got], whole)
        self.brain.stop()
        with self.assertRaises(weir.Unavailable):
            list(self.client(retry_for=0.3).events(since_position=first))

    def test_a_quiet_stream_outlives_one_restart_after_another(self):
        operator, quiet = self.client(retry_for=30), self.client(retry_for=8)
        got = []
        follower = threading.Thread(target=lambda: got.extend(quiet.events(tail=True, names=["TenantDefined"], limit=1)))
        follower.start()
        until(lambda: is_heard(operator))
        for _ in range(2):
            lost = time.monotonic()
            self.brain.stop(signal.SIGKILL)
            self.brain.start()
            until(lambda: is_heard(operator))
            until(lambda: time.monotonic() - lost > 8.5)  # the patience of this loss is over when the next comes
        operator.apply(tenant("late"))
        follower.join(20)
        self.assertEqual([event["subject"] for event in got], ["tenant/late"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
