"""Other servers of files on the same machine: three bare ones, as baselines of a download, and pypiserver, an index of packages of another kind."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry_load import Ask, fetch, HOST

START_SECONDS = 60.0
STOP_SECONDS = 20.0
STATIC = """
import sys
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
import uvicorn
app = Starlette(routes=[Mount("/", StaticFiles(directory=sys.argv[2]))])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""
NGINX = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""


NGINX_BEFORE = NGINX.replace(
    "root {files}; }}",
    """
    location / {{ proxy_pass http://registry; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $http_x_forwarded_for; }}
    location ~ ^/v1/packages/(?<mpp_package>[a-z0-9.-]+)/versions/(?<mpp_version>[0-9A-Za-z.+-]+)/download$ {{
      root {public}; try_files /$mpp_package/$mpp_version.mpp @registry; types {{ }} default_type application/vnd.mpp.package;
      add_header Cache-Control "public, max-age=31536000, immutable"; add_header Content-Disposition 'attachment; filename="$mpp_package-$mpp_version.mpp"';
      add_header X-Content-Type-Options nosniff; add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    }}
    location @registry {{ proxy_pass http://registry; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $http_x_forwarded_for; }}
    location /files/ {{ internal; alias {files}/; }}
  }}
  upstream registry {{ server 127.0.0.1:{behind}; keepalive 32; }}""",
)
"""As deploy/nginx has it, but for TLS and the rate of writers."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


PIDS: dict[int, int] = {}
"""The process at each port."""


def cpu_seconds(port: int) -> float:
    """What the process that serves there, and its children, have used of the processors by the kernel's count. It does not depend on neighbours as times do."""
    pid = PIDS[port]
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as stream:
        return sum(_used(one) for one in (pid, *map(int, stream.read().split())))


def _used(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(words: list[str], port: int, path: str = "/", env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A server until the block ends, from the moment it answers."""
    with tempfile.TemporaryFile() as told:  # a pipe that nobody reads would fill, and stop whoever logs each request
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env={**os.environ, **(env or {})})
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(port, path):
                if child.poll() is not None or time.monotonic() > until:
                    told.seek(0)
                    raise SystemExit(f"{words[0]} does not answer: {told.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.02)
            PIDS[port] = child.pid
            yield child
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _answers(port: int, path: str) -> bool:
    try:
        return fetch(port, Ask(path))[0] > 0
    except OSError:
        return False


@contextmanager
def static_files(folder: Path) -> Iterator[int]:
    """The class for files of the framework that the registry stands on, in the same server."""
    port = free_port()
    with running([sys.executable, "-c", STATIC, str(port), str(folder)], port):
        yield port


@contextmanager
def plain_python(folder: Path) -> Iterator[int]:
    port = free_port()
    with running([sys.executable, "-m", "http.server", str(port), "--bind", HOST, "--protocol", "HTTP/1.1", "-d", str(folder)], port):
        yield port


def nginx_program() -> str | None:
    return os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def nginx(folder: Path, work: Path) -> Iterator[int]:
    """One process for all connections, files sent by the kernel."""
    port, program = free_port(), nginx_program()
    work.mkdir(exist_ok=True)
    conf = work / "nginx.conf"
    conf.write_text(("user root;" if os.geteuid() == 0 else "") + NGINX.format(folder=work, files=folder, port=port))
    with running([str(program), "-p", str(work), "-c", str(conf), "-e", str(work / "nginx.log")], port):
        yield port


@contextmanager
def nginx_before(registry: int, data: Path, work: Path) -> Iterator[int]:
    """In front of a registry that was started with --accel /files/, where it is asked who gets what, and perhaps with --public-files, where it is not."""
    port, program = free_port(), nginx_program()
    work.mkdir(exist_ok=True)
    conf = work / "nginx.conf"
    conf.write_text(
        ("user root;" if os.geteuid() == 0 else "") + NGINX_BEFORE.format(folder=work, files=data / "blobs", public=data / "public", port=port, behind=registry)
    )
    with running([str(program), "-p", str(work), "-c", str(conf), "-e", str(work / "nginx.log")], port):
        yield port


@contextmanager
def pypiserver(python: str, folder: Path) -> Iterator[int]:
    """As its documents say for more than one user: gunicorn as the server, the folder's list kept in memory and watched where ``watchdog`` is there."""
    port = free_port()
    program = glob.glob(str(Path(python).parent / "pypi-server"))
    if not program:
        raise SystemExit(f"there is no pypi-server beside {python}")
    words = [program[0], "run", "-p", str(port), "-i", HOST, "--server", "gunicorn", "--disable-fallback", "--hash-algo", "off", str(folder)]
    with running(words, port):
        yield port
