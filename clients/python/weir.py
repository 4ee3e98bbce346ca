"""A client of Weir's REST API in one file, with nothing but Python's own library (3.9 or later).

    import weir

    brain = weir.Client.from_context()                      # as the command line finds it
    brain.apply(open("intent.yaml").read(), dry_run=True)
    brain.apply({"apiVersion": "weir/v1", "kind": "Tenant", "metadata": {"name": "city"}})
    brain.wait("intent", "cameras", "running", tenant="city", timeout=60)
    for site in brain.list("site"):
        print(site["metadata"]["name"], site["status"]["state"])
    for event in brain.events(names=["PlanCommitted"], tail=True):
        print(event["position"], event["text"])

Answers are the API's JSON as dictionaries (docs/reference/api.md, or openapi() for every field): integers of 64 bits are text,
bytes are base64, and what has its default (0, "", False, an empty list) is left out, so read with get(). Every failure is an
Error with the brain's own words. Each call opens a connection of its own: a Client may be used by many threads.
"""

import base64
import collections
import hashlib
import http.client
import json
import os
import random
import re
import socket
import ssl
import time
import urllib.parse
import uuid

__all__ = ["Client", "Error", "Invalid", "NotFound", "Conflict", "Denied", "Infeasible", "Exhausted", "Unavailable", "Unsupported",
           "Corrupt", "Internal", "Untrusted", "TimedOut", "NotReached", "verify_inclusion", "verify_growth"]

ANSWER_BYTES_MAX = 64 << 20
LINE_BYTES_MAX = 4 << 20       # of a stream
CONTEXT_BYTES_MAX = 64 << 10
BRAIN_NAME = "brain.weir.internal"  # that every brain's certificate has, whatever address it is reached by
REST_PORT = 7480
HEARTBEAT_S = 15               # a stream says something at least so often
BACKOFF_S = (0.1, 2.0)         # the first pause between tries, doubled up to the second; each is cut at random by up to a half


class Error(Exception):
    """What was refused or failed: `code` as docs/reference/api.md lists it, `what`, `where`, `remedy`, and the HTTP `status` or 0."""

    code = "internal"

    retry_after = None  # seconds, where the brain said that asking again then will do

    def __init__(self, what, where="", remedy="", status=0):
        super().__init__(": ".join(part for part in (where, what) if part) + (f" ({remedy})" if remedy else ""))
        self.what, self.where, self.remedy, self.status = what, where, remedy, status


class Invalid(Error):
    code = "invalid"


class NotFound(Error):
    code = "not-found"


class Conflict(Error):
    code = "conflict"


class Denied(Error):
    code = "denied"


class Infeasible(Error):
    code = "infeasible"


class Exhausted(Error):
    code = "exhausted"


class Unavailable(Error):
    """The brain does not answer, or cannot now. Was tried again for `retry_for` seconds where that is safe."""

    code = "unavailable"


class Unsupported(Error):
    code = "unsupported"


class Corrupt(Error):
    code = "corrupt"


class Internal(Error):
    code = "internal"


class Untrusted(Error):
    """Who answers is not the brain that the certificate authority vouches for."""

    code = "untrusted"


class TimedOut(Error):
    """What was waited for did not happen in time; `resource` is how it stands."""

    code = "timeout"
    resource = None


class NotReached(Error):
    """What was waited for will not happen unless somebody changes something; `resource` is how it stands."""

    code = "not-reached"
    resource = None


_ERRORS = {kind.code: kind for kind in (Invalid, NotFound, Conflict, Denied, Infeasible, Exhausted, Unavailable, Unsupported, Corrupt, Internal)}


def _problem(body, status):
    """The error that a body of RFC 9457 describes; one that is none is the server's, or of something between it and us."""
    try:
        problem = json.loads(body)
        kind, what = _ERRORS[problem["code"]], problem.get("what", "")
        return kind(str(what), str(problem.get("where", "")), str(problem.get("remedy", "")), status)
    except (ValueError, KeyError, TypeError, AttributeError):
        kind = Unavailable if status in (408, 502, 503, 504) else Internal
        return kind(f"answered {status} without saying why", "", "", status)


class _Lost(Exception):
    """The connection failed; `sent`: perhaps after the brain had the request."""

    def __init__(self, why, sent):
        super().__init__(str(why))
        self.sent = sent


def _read_context(path, name):
    """The fields of one context in the command line's file: the part of TOML that it is written in."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(CONTEXT_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", str(path), "give the brain's context.toml, or the arguments of Client") from None
    if mode & 0o077:
        raise Denied("may be read by others, and holds a token", str(path), f"chmod 0600 {path}")
    if len(text) > CONTEXT_BYTES_MAX:
        raise Invalid(f"has more than {CONTEXT_BYTES_MAX} bytes", str(path))
    tables, table = {"": {}}, ""
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise Invalid("is not UTF-8", str(path)) from None
    for number, line in enumerate(lines, 1):
        header = re.fullmatch(r"\s*\[\s*contexts\s*\.\s*([a-z0-9-]{1,63})\s*\]\s*(#.*)?", line)
        field = re.fullmatch(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\["\\])*)"|\'([^\']*)\')\s*(#.*)?', line)
        if header:
            table = header[1]
            if tables.setdefault(table, {}):
                raise Invalid(f"has the context {table} twice", f"{path}:{number}")
        elif field:
            tables[table][field[1]] = re.sub(r"\\(.)", r"\1", field[2]) if field[2] is not None else field[3]
        elif line.strip() and not line.lstrip().startswith("#"):
            raise Invalid("is no line of a file of contexts", f"{path}:{number}", 'write [contexts.NAME], and FIELD = "TEXT" below')
    name = name or tables[""].get("current", "")
    if not name or name not in tables:
        known = ", ".join(sorted(filter(None, tables))) or "none"
        raise NotFound(f"no context {name}" if name else "no context is current", str(path), f"there are: {known}")
    return tables[name]


def _host_port(text, where):
    match = re.fullmatch(r"(?:https://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})/?", text)
    if not match or not 1 <= int(match[2]) <= 65535:
        raise Invalid("is not HOST:PORT", where, f"write it like 127.0.0.1:{REST_PORT}")
    return match[1].strip("[]"), int(match[2])


class _Connection(http.client.HTTPConnection):
    """HTTP over TLS, to whoever has the brain's name in a certificate of its authority. A cut is an error, not an end."""

    def __init__(self, host, port, timeout, tls):
        super().__init__(host, port, timeout=timeout)
        self._tls = tls

    def connect(self):
        super().connect()
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=BRAIN_NAME, suppress_ragged_eofs=False)


class Client:
    """A brain, as one token may use it.

    rest      "HOST:PORT" of its REST server
    token     "weiru.…"; None where none is needed (health, openapi)
    ca        path of the PEM file of its certificate authority, or the PEM text; or
    ca_fingerprint  its SHA-256, 64 hexadecimal digits (needs Python 3.10)
    timeout   seconds that one answer, or the next sign of life of a stream, may take
    retry_for seconds for which a call that is safe to repeat goes on trying while the brain is unavailable; 0: one try
    """

    def __init__(self, rest, token=None, ca=None, ca_fingerprint=None, timeout=30, retry_for=10):
        self.host, self.port = _host_port(rest, "rest")
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise Invalid("is no token", "token", "give it as 'weir token create' printed it")
        if timeout <= 0 or retry_for < 0:
            raise Invalid("is no time", "timeout or retry_for")
        self.timeout, self.retry_for = timeout, retry_for
        self._token, self._fingerprint = token, ca_fingerprint
        self._tls = None
        if ca is not None:
            self._tls = _trusting(ca)
        elif ca_fingerprint is None:
            raise Invalid("is not given", "ca", "give ca or ca_fingerprint, or the brain cannot be known")
        elif not re.fullmatch(r"[0-9a-f]{64}", ca_fingerprint):
            raise Invalid("is not 64 lower-case hexadecimal digits", "ca_fingerprint")

    @classmethod
    def from_context(cls, file=None, name=None, rest=None, timeout=30, retry_for=10):
        """The brain that the command line would use: `file` or $WEIR_CONTEXT_FILE or ~/.config/weir/context.toml, and in it `name` or
        $WEIR_CONTEXT or its current one. The file names the endpoint of gRPC; REST is `rest` or $WEIR_REST, or port 7480 of that host."""
        environment = os.environ
        if file is None:
            file = environment.get("WEIR_CONTEXT_FILE") or None
        if file is None:
            home = environment.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
            file = os.path.join(home, "weir", "context.toml")
        context = _read_context(file, name or environment.get("WEIR_CONTEXT"))
        host = _host_port(context.get("endpoint", ""), f"{file}: endpoint")[0]
        rest = rest or environment.get("WEIR_REST") or (f"[{host}]" if ":" in host else host) + f":{REST_PORT}"
        return cls(rest, context.get("token"), context.get("ca_certificate"), context.get("ca_fingerprint"), timeout, retry_for)

    # ---- what is there

    def get(self, kind, name, tenant=None):
        """One resource or view. NotFound also where it belongs to another tenant."""
        return _inside(self._json("GET", ["resources", kind, name], {"tenant": tenant})["resource"])

    def list(self, kind, tenant=None, filter=None, page_size=None):
        """All of a kind, read page by page as they are taken. `filter`: "FIELD=VALUE,…" of name, site, tenant, intent, state; `page_size` up to 1,000."""
        token = ""
        while True:
            page = self._json("GET", ["resources", kind], {"tenant": tenant, "filter": filter, "page_size": page_size, "page_token": token})
            for item in page.get("items", []):
                yield _inside(item)
            token = page.get("nextPageToken", "")
            if not token:
                return

    def explain(self, intent, tenant=None, ingress=None, what_if=()):
        """Why an intent runs where it does, waits, or is refused. `what_if`: up to 16 of "FIELD=VALUE", decided on a copy."""
        return self._json("GET", ["explanations", intent], {"tenant": tenant, "ingress": ingress, "what_if": list(what_if)})

    def explain_workflow(self, workflow, tenant=None):
        """Where each stage of a workflow stands, and why."""
        return self._json("GET", ["workflows", workflow, "explanation"], {"tenant": tenant})

    def ask(self, dialogue, tenant=None, name=None):
        """What a sentence in English or Chinese asks for, planned; changes nothing. `dialogue`: a text, or all texts so far, oldest first.
        Each of the answer's wishes holds an intent that apply() takes."""
        said = [dialogue] if isinstance(dialogue, str) else list(dialogue)
        body = {"dialogue": [{"text": text} for text in said], "tenant": tenant or "", "name": name or ""}
        return self._json("POST", ["ask"], body=body)

    def record_dialogue(self, said, end, outcomes, language="en", tenant=None):
        """Writes down how a dialogue ended in which ask() offered something: `said` are its texts, `end` is "taken", "declined" or "left", and each of
        `outcomes` holds the "intent" that was offered or applied, and may hold "work", "offered" and "taken" as the answer named them."""
        body = {"said": list(said), "language": language, "end": end, "outcomes": list(outcomes), "tenant": tenant or ""}
        return self._json("POST", ["dialogues"], body=body)

    def rate(self, intent, verdict, because="", comment="", tenant=None):
        """What the tenant thinks of what came of an intent: `verdict` "good" or "bad", the latter `because` it is "slow", "dear", "dirty",
        "unreliable" or "other". The newest counts."""
        body = {"verdict": verdict, "because": because, "comment": comment, "tenant": tenant or ""}
        return self._json("POST", ["intents", intent, "verdict"], body=body)

    def bill(self, tenant=None, since=0, until=0):
        """The bills from `since` to `until`, in microseconds since the Unix epoch; 0: the beginning, and now."""
        return self._json("GET", ["bill"], {"tenant": tenant, "from": since, "to": until}).get("bills", [])

    def health(self):
        """The durable version. Needs no token."""
        return json.loads(self._call("GET", "/healthz")[1])["version"]

    def metrics(self):
        """Figures for Prometheus, as text; for operators."""
        return self._call("GET", "/metrics")[1].decode()

    def openapi(self):
        """The API's own description (OpenAPI 3.1). Needs no token."""
        return json.loads(self._call("GET", "/v1/openapi.json")[1])

    # ---- changes

    def apply(self, resources, dry_run=False):
        """Creates or changes what is described: YAML text as in files, a dictionary of a file's form, or a list of them (also the intent of
        a wish that ask() returned). Answers when it is durable; a dry run changes nothing and holds the plan, or why there is none."""
        text = resources if isinstance(resources, str) else json.dumps(resources)
        return self._json("POST", ["apply"], {"dry_run": dry_run or None}, text.encode(), "application/yaml")

    def delete(self, kind, name, tenant=None):
        """Withdraws an intent or a workflow, or cancels a reservation."""
        return self._json("DELETE", ["resources", kind, name], {"tenant": tenant}, again=False)

    def drain(self, site, why=""):
        """Moves the work of a site away."""
        return self._json("POST", ["sites", site, "drain"], body={"why": why})

    def undrain(self, site):
        return self._json("POST", ["sites", site, "undrain"], body={})

    def cordon(self, node, site="", why=""):
        """A node (its number, or its name at `site`) takes nothing new; what runs there goes on."""
        return self._json("POST", ["nodes", node, "cordon"], body={"site": site, "why": why})

    def uncordon(self, node, site=""):
        return self._json("POST", ["nodes", node, "uncordon"], body={"site": site})

    def revoke_site(self, site, why=""):
        """Ends the certificates and unused join tokens of a site."""
        return self._json("POST", ["sites", site, "revoke"], body={"why": why})

    def issue_token(self, subject, role=None, join=False, lifetime=0):
        """A token of a person (`role`: "operator", "provider" or "tenant") or to join a site. `lifetime` in seconds; 0: 30 days, and an hour to join."""
        body = {"subject": subject, "join": join, "lifetimeUs": str(int(lifetime * 1_000_000))}
        if role is not None:
            body["role"] = "ROLE_" + role.upper()
        return self._json("POST", ["tokens"], body=body, again=False)

    def revoke_token(self, token):
        return self._json("DELETE", ["tokens", token], again=False)

    def who_am_i(self):
        """Who the token makes of the caller: {"role", "subject", "person", "by", "token", "expires"}."""
        return self._json("GET", ["me"])

    # ---- webhooks

    def add_webhook(self, url, names=(), tenant=None, secret=None, from_position=None):
        """Has events posted to an address, signed as Standard Webhooks says: {"webhook", "secret"}. The secret is shown this once."""
        body = {"url": url, "names": list(names), "tenant": tenant, "secret": secret, "from": from_position}
        return self._json("POST", ["webhooks"], body={name: value for name, value in body.items() if value}, again=False)

    def webhooks(self, tenant=None):
        """Who is told of events, and how far that is: {"webhooks", "version"}."""
        return self._json("GET", ["webhooks"], {"tenant": tenant})

    def remove_webhook(self, webhook):
        """Tells an address no more."""
        return self._json("DELETE", ["webhooks", webhook], again=False)

    # ---- the ledger

    def ledger_head(self):
        """Size and root of the Merkle tree over all records: {"size", "rootSha256", "durable"}."""
        return self._json("GET", ["ledger", "head"])

    def prove(self, position, size=None, old_size=None):
        """That a record is in the ledger, and with `old_size` that the tree of that size is a prefix: for verify_inclusion and verify_growth."""
        return self._json("GET", ["ledger", "proof", position], {"size": size, "old_size": old_size})

    # ---- as it happens

    def events(self, since_position=0, tail=False, follow=True, names=(), tenant=None, limit=None, since=None, language=None):
        """Events in order, each once, from a position on; with `tail` only new ones. When the connection is lost the stream goes on after the
        last event that was read. Ends at `limit`, or at the end of the ledger without `follow`; raises Unavailable when the brain stays away for
        longer than retry_for, and Denied when the token ends. `since`: none before that time, in microseconds since the Unix epoch.
        `language` of their texts: en or zh."""
        if tail:  # from a position, or what happened while the connection was lost would be missed
            since_position = self.health()
        query = {"from": since_position, "follow": follow, "names": list(names), "tenant": tenant, "since": since, "language": language}
        last, left, pause = None, limit, _Pauses(self.retry_for)
        while left is None or left > 0:
            try:
                for event in self._stream_events(dict(query, limit=left), last, pause):
                    last = event.get("position", "0")
                    left = None if left is None else left - 1
                    yield event
                if not follow:
                    return
                raise _Lost("the stream ended", False)
            except (_Lost, Unavailable) as lost:
                if left != 0:
                    pause.after(lost, self)

    def logs(self, plan, item, offset=0, follow=False, limit=None):
        """Pieces, as bytes, of what a run wrote. What is lost with a connection is read again from the offset reached."""
        query = {"follow": follow or None}
        pause = _Pauses(self.retry_for)
        end = None if limit is None else offset + limit
        while end is None or offset < end:
            try:
                for line in self._lines("GET", _path(["runs", plan, item, "logs"], dict(query, offset=offset, bytes_max=end and end - offset)), {}, pause):
                    piece = json.loads(line)
                    if "code" in piece:
                        raise _problem(line, piece.get("status", 0))
                    data = base64.b64decode(piece.get("data", ""))
                    if data:
                        offset = int(piece.get("offset", 0)) + len(data)
                        yield data
                    if piece.get("complete"):
                        return
                if not follow:
                    return
                raise _Lost("the stream ended", False)
            except (_Lost, Unavailable) as lost:
                pause.after(lost, self)

    def wait(self, kind, name, state, tenant=None, timeout=60):
        """Waits until `state` is that of the resource, or "present" or "absent", or until state(resource) is true; returns the resource, or None
        where it is absent. Raises NotReached for an intent or a workflow that will not come there by itself, TimedOut after `timeout` seconds."""
        deadline, pause = time.monotonic() + timeout, 0.05
        while True:
            try:
                resource = self.get(kind, name, tenant)
            except NotFound:
                if state == "absent":
                    return None
                resource = None
            if resource is not None and state != "absent":
                found = resource.get("status", resource).get("state", "")
                if state == "present" or (state(resource) if callable(state) else _counts_as(found, state)):
                    return resource
                if found in ("refused", "withdrawn", "finished", "failed") and not callable(state):
                    raise _standing(NotReached, f"is {found}, and not {state}", kind, name, resource)
            if time.monotonic() >= deadline:
                raise _standing(TimedOut, f"not {'as wanted' if callable(state) else state} within {timeout} s", kind, name, resource)
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, 1.0)

    # ---- below

    def _json(self, method, path, query=None, body=None, content_type="application/json", again=True):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        answer = self._call(method, _path(path, query or {}), data, content_type, again)[1]
        try:
            return json.loads(answer)
        except ValueError:
            raise Internal("answered what is no JSON", "/".join(map(str, path))) from None

    def _call(self, method, target, body=None, content_type="application/json", again=True):
        """One answer: (status, body). `again`: doing it twice is as good as once."""
        pause = _Pauses(self.retry_for)
        headers = {"Content-Type": content_type} if body is not None else {}
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())  # one for all tries
        while True:
            try:
                return self._once(method, target, body, headers)
            except (Exhausted, Conflict) as busy:
                if busy.retry_after is None:
                    raise
                pause.until(busy)
            except (_Lost, Unavailable) as lost:
                may = again or (isinstance(lost, _Lost) and not lost.sent)
                if not may:
                    raise self._unreachable(lost) from None
                pause.after(lost, self)

    def _once(self, method, target, body, headers):
        connection, response = self._open(method, target, body, headers)
        try:
            answer = response.read(ANSWER_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _Lost(error, True) from None
        finally:
            connection.close()
        if len(answer) > ANSWER_BYTES_MAX:
            raise Exhausted(f"answered more than {ANSWER_BYTES_MAX} bytes", target)
        if response.status != 200:
            problem = _problem(answer, response.status)
            problem.retry_after = _seconds(response.getheader("Retry-After"))
            raise problem
        return response.status, answer

    def _open(self, method, target, body, headers, patience=None):
        """The connection and the head of the answer. `patience`: seconds for each of what follows, else timeout."""
        if self._tls is None:
            self._tls = self._pinned()
        headers = dict(headers)
        if self._token is not None:
            headers["Authorization"] = "Bearer " + self._token
        connection = _Connection(self.host, self.port, self.timeout, self._tls)
        try:
            connection.connect()
            connection.sock.settimeout(patience or self.timeout)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise self._untrusted(error.verify_message) from None
        except OSError as error:
            connection.close()
            raise _Lost(error, False) from None
        try:
            connection.request(method, target, body, headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _Lost(error, True) from None

    def _lines(self, method, target, headers, pause):
        """Lines of a stream, without their ends; `pause` begins anew once it stands. _Lost: it was cut, or silent for longer than a heartbeat and `timeout`."""
        connection, response = self._open(method, target, None, headers, self.timeout + HEARTBEAT_S)
        try:
            if response.status != 200:
                raise _problem(response.read(ANSWER_BYTES_MAX), response.status)
            while True:
                # A line, of a heartbeat too, tells that the brain is back.
                line = response.readline(LINE_BYTES_MAX + 1)
                if not line:
                    return
                if len(line) > LINE_BYTES_MAX:
                    raise Exhausted(f"sent a line of more than {LINE_BYTES_MAX} bytes", target)
                if not line.endswith(b"\n"):
                    raise _Lost("the stream ended within a line", True)
                pause.over()
                yield line.rstrip(b"\r\n").decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise _Lost(error, True) from None
        finally:
            response.close()
            connection.close()

    def _stream_events(self, query, last, pause):
        """One connection's events (WHATWG HTML, section 9.2)."""
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        name, data = "", []
        for line in self._lines("GET", _path(["events"], query), headers, pause):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
            elif not line and data:
                text = "\n".join(data)
                if name == "error":
                    raise _problem(text, 0)
                yield json.loads(text)
                name, data = "", []

    def _pinned(self):
        """Trust in the authority of the given fingerprint, which the server's own chain holds."""
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE  # nothing is sent; the chain is what is looked at
        try:
            with socket.create_connection((self.host, self.port), self.timeout) as plain, \
                    blind.wrap_socket(plain, server_hostname=BRAIN_NAME) as session:
                chain = _chain(session)
        except OSError as error:
            raise _Lost(error, False) from None
        for certificate in chain:
            if hashlib.sha256(certificate).hexdigest() == self._fingerprint:
                return _trusting(ssl.DER_cert_to_PEM_cert(certificate))
        raise self._untrusted("its chain has no certificate of the fingerprint")

    def _untrusted(self, why):
        return Untrusted(f"is not the brain that is trusted: {why}", f"{self.host}:{self.port}", "check ca or ca_fingerprint")

    def _unreachable(self, lost):
        if isinstance(lost, Error):
            return lost
        return Unavailable(f"the brain does not answer ({lost})", f"{self.host}:{self.port}", "check that 'weir serve' runs there, and --rest")


class _Pauses:
    """Between tries, until `retry_for` seconds have passed since the first failure."""

    def __init__(self, retry_for):
        self.retry_for, self.pause, self.end = retry_for, BACKOFF_S[0], None

    def over(self):
        self.pause, self.end = BACKOFF_S[0], None

    def after(self, lost, client):
        now = time.monotonic()
        if self.end is None:
            self.end = now + self.retry_for
        if now >= self.end:
            raise client._unreachable(lost) from None
        time.sleep(min(self.pause * random.uniform(0.5, 1.0), self.end - now))
        self.pause = min(self.pause * 2, BACKOFF_S[1])

    def until(self, busy):
        """As the brain said, if that is soon enough."""
        now = time.monotonic()
        if self.end is None:
            self.end = now + self.retry_for
        if now + busy.retry_after > self.end:
            raise busy
        time.sleep(busy.retry_after)


def _seconds(text):
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text or "") else None


def _trusting(ca):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # certificate and name are checked
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        tls.load_verify_locations(cadata=ca) if "-----BEGIN" in str(ca) else tls.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(f"cannot be used: {error}", "ca" if "-----BEGIN" in str(ca) else str(ca), "copy the brain's ca/ca.crt there") from None
    return tls


def _chain(session):
    """The certificates that the server sent, in DER. Public since Python 3.13, and there since 3.10."""
    if hasattr(session, "get_unverified_chain"):
        return list(session.get_unverified_chain())
    if hasattr(session._sslobj, "get_unverified_chain"):
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in session._sslobj.get_unverified_chain()]
    raise Unsupported("this Python does not show the server's chain", "ca_fingerprint", "give ca, the path of the brain's ca/ca.crt")


def _path(segments, query):
    def text(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    path = "/v1/" + "/".join(urllib.parse.quote(str(segment), safe="") for segment in segments)
    asked = [(name, text(value)) for name, value in query.items() if value is not None and value != "" and value != []]
    return path + ("?" + urllib.parse.urlencode(asked, quote_via=urllib.parse.quote) if asked else "")


def _inside(resource):
    return next(iter(resource.values()), {})


def _counts_as(found, wanted):
    # A job that has ended well was placed and ran.
    return found == wanted or (found == "running" and wanted == "placed") or (found == "finished" and wanted in ("placed", "running"))


def _standing(kind, what, of, name, resource):
    why = ((resource or {}).get("status") or {}).get("why", "")
    error = kind(what + (f": {why}" if why else ""), f"{of}/{name}")
    error.resource = resource
    return error


# ---- proofs: RFC 9162, sections 2.1.1, 2.1.3.2 and 2.1.4.2

def _leaf(record):
    return hashlib.sha256(b"\x00" + record).digest()


def _node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def _bytes(text):
    return base64.b64decode(text)


def verify_inclusion(proof, root=None):
    """Checks a proof of Client.prove: the record (where the caller may see it) is the leaf, and the leaf is in the tree. `root`: that of the
    tree, in base64, as a trusted ledger_head() of the proof's size had it; None: the proof's own. Raises Corrupt."""
    index, size = int(proof.get("position", 0)), int(proof.get("size", 0))
    leaf = _bytes(proof.get("leafSha256", ""))
    if "record" in proof and _leaf(_bytes(proof["record"])) != leaf:
        raise Corrupt("the record is not the leaf", f"record {index}")
    fn, sn, reached = index, size - 1, leaf
    if index >= size:
        raise Corrupt("the record lies outside the tree", f"record {index}")
    for step in map(_bytes, proof.get("auditPath", [])):
        if sn == 0:
            raise Corrupt("the audit path is too long", f"record {index}")
        if fn & 1 or fn == sn:
            reached = _node(step, reached)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            reached = _node(reached, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or reached != _bytes(root if root is not None else proof.get("rootSha256", "")):
        raise Corrupt("the audit path does not lead to the root", f"record {index}")


def verify_growth(proof, old_size, old_root):
    """Checks a proof of Client.prove(…, old_size=N): the tree of `old_size`, whose root (base64) is known, is a prefix of the proof's. Raises Corrupt."""
    size, new, old = int(proof.get("size", 0)), _bytes(proof.get("rootSha256", "")), _bytes(old_root)
    path = collections.deque(map(_bytes, proof.get("consistencyPath", [])))
    wrong = Corrupt("the older tree is no prefix", f"sizes {old_size} and {size}")
    if not 0 < old_size <= size:
        raise wrong
    if old_size == size:
        if path or old != new:
            raise wrong
        return
    if old_size & (old_size - 1) == 0:
        path.appendleft(old)
    if not path:
        raise wrong
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path.popleft()
    for step in path:
        if sn == 0:
            raise wrong
        if fn & 1 or fn == sn:
            first, second = _node(step, first), _node(step, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = _node(second, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or first != old or second != new:
        raise wrong
