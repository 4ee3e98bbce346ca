#!/usr/bin/env python3
"""Runs glewlwyd, an OpenID Connect provider of Debian, on loopback over TLS, out of a folder of its own: a client for Weir and three people.

  glewlwyd.py FOLDER PORT REDIRECT_ADDRESS

Writes FOLDER/ca.pem and FOLDER/settings.json, says "ready", and serves until its standard input ends.
"""

import gzip
import http.client
import json
import pathlib
import shutil
import sqlite3
import ssl
import subprocess
import sys
import time

SCHEMA = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
WEB = "/usr/share/glewlwyd/webapp/"
PASSWORD = "correct horse battery"
SECRET = "a-secret-of-the-client"  # it does not decode what RFC 6749 section 2.3.1 encodes, so of plain characters
PEOPLE = {"alice": ["admins"], "carol": ["staff", "tenant-city"], "mallory": ["others"]}


def configuration(folder, port):
    quoted = {
        "bind_address": "127.0.0.1", "external_url": f"https://localhost:{port}", "login_url": "login.html", "api_prefix": "api",
        "static_files_path": str(folder / "web"), "log_mode": "console", "log_level": "INFO", "cookie_domain": "localhost",
        "session_key": "GLEWLWYD2_SESSION_ID", "admin_scope": "g_admin", "profile_scope": "g_profile",
        "user_module_path": "/usr/lib/glewlwyd/user", "client_module_path": "/usr/lib/glewlwyd/client",
        "user_auth_scheme_module_path": "/usr/lib/glewlwyd/scheme", "plugin_module_path": "/usr/lib/glewlwyd/plugin",
        "secure_connection_key_file": str(folder / "key.pem"), "secure_connection_pem_file": str(folder / "ca.pem"),
        "secure_connection_ca_file": str(folder / "ca.pem"), "hash_algorithm": "SHA512",
        "admin_session_authentication": "cookie", "profile_session_authentication": "cookie",
    }
    lines = [f'{name}="{value}"' for name, value in quoted.items()]
    lines += [f"port={port}", "cookie_secure=1", "login_api_enabled=true", "use_secure_connection=true"]
    lines.append(f'database = {{ type="sqlite3" path="{folder / "glewlwyd.db"}" }};')
    types = {".html": "text/html", ".css": "text/css", ".js": "application/javascript", ".json": "application/json"}
    lines.append("static_files_mime_types = (" + ",".join(f'{{extension="{end}" mime_type="{kind}" compress=0}}' for end, kind in types.items()) + ")")
    return "\n".join(lines) + "\n"


class Session:
    """Calls of glewlwyd's own API, as one person."""

    def __init__(self, folder, port, name, password):
        self.port, self.cookie = port, ""
        self.trust = ssl.create_default_context(cafile=folder / "ca.pem")
        self.call("POST", "/auth/", {"username": name, "password": password})

    def call(self, method, path, body=None):
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.trust, timeout=10)
        headers = {"Content-Type": "application/json"} | ({"Cookie": self.cookie} if self.cookie else {})
        connection.request(method, "/api" + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"glewlwyd: {method} {path}: {answer.status} {text}")
        self.cookie = (answer.headers.get("Set-Cookie") or self.cookie).split(";")[0]
        return json.loads(text) if text else None


def wait_until_it_answers(server, port):
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit("glewlwyd ended as it began")
        try:
            http.client.HTTPSConnection("localhost", port, context=ssl._create_unverified_context(), timeout=5).request("GET", "/config")
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("glewlwyd does not begin")


def configure(folder, port, redirect):
    admin = Session(folder, port, "admin", "password")
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=key, capture_output=True, check=True).stdout
    issuer = f"https://localhost:{port}/api/oidc"
    claim = {"type": "string", "mandatory": True, "on-demand": False, "scope": []}
    admin.call("POST", "/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": {
        "iss": issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": key.decode(), "cert": public.decode(),
        "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600, "refresh-token-rolling": False,
        "allow-non-oidc": False, "auth-type-code-enabled": True, "auth-type-token-enabled": False, "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": False, "auth-type-password-enabled": False, "auth-type-client-enabled": False,
        "auth-type-device-enabled": False, "auth-type-refresh-enabled": False, "subject-type": "public", "pkce-allowed": True,
        "pkce-required": True, "pkce-method-plain-allowed": False, "jwks-show": True, "session-management-allowed": True,
        "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 3600,
        "request-parameter-allow": False,
        "claims": [{"name": "groups", "user-property": "groups"} | claim, {"name": "preferred_username", "user-property": "username"} | claim]}})
    admin.call("POST", "/client/", {
        "client_id": "weir", "name": "Weir", "client_secret": SECRET, "confidential": True, "enabled": True, "scope": [], "redirect_uri": [redirect],
        "authorization_type": ["code"], "token_endpoint_auth_method": ["client_secret_basic"],
        "post_logout_redirect_uri": redirect.split("/v1/")[0] + "/"})
    for name, groups in PEOPLE.items():
        admin.call("POST", "/user/", {"username": name, "password": PASSWORD, "name": name.title(), "enabled": True,
                                      "scope": ["openid", "g_profile"], "groups": groups})
        Session(folder, port, name, PASSWORD).call("PUT", "/auth/grant/weir", {"scope": "openid"})
    (folder / "settings.json").write_text(json.dumps({"issuer": issuer, "secret": SECRET, "password": PASSWORD}))


def main():
    folder, port, redirect = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "ca.pem", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    # It serves no links to files outside of the folder, which the packaged ones are.
    shutil.copytree(WEB, folder / "web")
    # Debian's package has a folder where the page's settings belong (2.7.5-3), and whoever asks for it keeps a thread reading it for ever.
    settings = folder / "web" / "config.json"
    if settings.is_dir():
        settings.rename(folder / "settings-of-page")
        shutil.copy(folder / "settings-of-page" / "config.json", settings)
    database = sqlite3.connect(folder / "glewlwyd.db")
    database.executescript(gzip.open(SCHEMA, "rt").read())
    users = json.loads(database.execute("SELECT gumi_parameters FROM g_user_module_instance").fetchone()[0])
    users["data-format"]["groups"] = {"multiple": True, "read": True, "write": True, "profile-read": True, "profile-write": False}
    database.execute("UPDATE g_user_module_instance SET gumi_parameters = ?", [json.dumps(users)])
    database.commit()
    database.close()
    (folder / "glewlwyd.conf").write_text(configuration(folder, port))
    with open(folder / "glewlwyd.log", "w") as log:
        server = subprocess.Popen(["glewlwyd", f"--config-file={folder / 'glewlwyd.conf'}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until_it_answers(server, port)
        configure(folder, port, redirect)
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        server.terminate()
        server.wait()


main()
