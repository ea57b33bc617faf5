"""`python -m tui.engine --home HOME --socket SOCKET [--port N]`: serve until told to end.

Exit status: 0 ended as asked, 2 it could not start, 3 another engine runs on this home.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from tui import __version__
from tui.engine.answering.process import InferenceClient
from tui.engine.api.engine_state import Engine
from tui.engine.api.security import load_token
from tui.engine.api.server import create_app
from tui.engine.errors import StartError
from tui.engine.home import Home
from tui.engine.jobs.database import StoreError
from tui.engine.jobs.launcher import Launcher
from tui.engine.jobs.store import Store
from tui.engine.jobs.supervisor import Supervisor
from tui.engine.listening import claim_home, listen_on_port, listen_on_socket

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})
_GRACE_SECONDS = 3


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tui.engine", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of all that is kept")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--port", type=int, help="serve on this TCP port too, with a token")
    parser.add_argument("--host", default="127.0.0.1", help="address for TCP [127.0.0.1]")
    parser.add_argument(
        "--max-running", type=int, default=1, metavar="N", help="jobs that train at a time [1]"
    )
    parser.add_argument(
        "--gpus", type=int, default=1, metavar="N", help="GPUs that share a job's training [1]"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; gives the exit status."""
    flags = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)  # what people train on is theirs alone
    home = Home(flags.home.absolute())
    try:
        with claim_home(home):
            tempfile.tempdir = str(home.scratch)  # uploads go to the disk where they will stay
            store = Store(home.database)
            serve(flags, home, store)
            store.close()
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def serve(flags: argparse.Namespace, home: Home, store: Store) -> None:
    """Listen and answer until told to end.

    Raises:
        StartError: a socket cannot be had, or the home cannot be written.
    """
    path = flags.socket.absolute()
    sockets = [listen_on_socket(path)]
    try:
        token = url = None
        if flags.port is not None:
            sockets.append(listen_on_port(flags.host, flags.port))
            url, token = _address(flags.host, sockets[1]), _token(home)
        asyncio.run(_run(flags, home, store, sockets, url, token))
    finally:
        home.record.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


async def _run(
    flags: argparse.Namespace,
    home: Home,
    store: Store,
    sockets: list[socket.socket],
    url: str | None,
    token: str | None,
) -> None:
    def stop() -> None:
        server.should_exit = True

    engine = Engine(
        home=home,
        socket=flags.socket.absolute(),
        url=url,
        store=store,
        supervisor=Supervisor(home, store, Launcher(flags.gpus), max_running=flags.max_running),
        answering=InferenceClient(home),
        stop=stop,
    )
    app = create_app(engine, token=token, hosts=_hosts(flags.host))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
    )
    server = _Server(config, engine)
    _write_record(engine)
    await server.serve(sockets=sockets)


class _Server(uvicorn.Server):
    """Takes its record back before it stops answering, so that a next engine waits for its end."""

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._engine.home.record.unlink(missing_ok=True)
        await super().shutdown(sockets)


def _hosts(host: str) -> frozenset[str] | None:
    """Names under which requests may be addressed to us; an open address has any name."""
    return None if host in _ANY_ADDRESS else _LOOPBACK | {host.lower()}


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def _token(home: Home) -> str:
    try:
        return load_token(home.token)
    except OSError as error:
        raise StartError(f"The token {home.token} cannot be kept: {error.strerror}.") from error


def _write_record(engine: Engine) -> None:
    """Say where the engine is reached, for whoever finds the home and not the process."""
    record = {
        "pid": engine.pid,
        "socket": str(engine.socket),
        "url": engine.url,
        "token_file": engine.token_file,
        "version": __version__,
    }
    part = engine.home.record.with_suffix(".part")
    try:
        part.write_text(json.dumps(record))
        part.replace(engine.home.record)
    except OSError as error:
        raise StartError(
            f"The engine's home {engine.home.root} cannot be written: {error.strerror}."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
