"A proxy in front of a node: TLS, a password, and faults on demand."

import base64
import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable
from urllib.parse import urlsplit


class Proxy:
    """Forwards to `target`; `seen` holds (method, path, headers, body) of every request.

    `fault(method, path, n)` may return (status, body) to answer with instead; n counts requests from 0."""

    def __init__(
        self,
        target: str = '',
        context: ssl.SSLContext | None = None,
        login: str = '',
        fault: Callable | None = None,
    ):
        self.seen, self.fault, expected = [], fault, 'Basic ' + base64.b64encode(login.encode()).decode()
        at, proxy = urlsplit(target), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *args):
                pass

            def answer(self, status, body, kind='application/json'):
                self.send_response(status)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                if self.command != 'HEAD':
                    self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                proxy.seen.append((self.command, self.path, dict(self.headers), body))
                if login and self.headers.get('Authorization') != expected:
                    return self.answer(401, b'{"error": "Unauthorized"}')
                fault = proxy.fault and proxy.fault(self.command, self.path, len(proxy.seen) - 1)
                if fault:
                    return self.answer(*fault)
                connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
                connection.request(
                    self.command,
                    self.path,
                    body,
                    {'Content-Type': self.headers.get('Content-Type', 'application/json')},
                )
                said = connection.getresponse()
                self.answer(said.status, said.read(), said.headers.get('Content-Type', 'application/json'))

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f'{"https" if context else "http"}://localhost:{self.server.server_address[1]}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()
