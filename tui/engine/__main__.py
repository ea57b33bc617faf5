"""The engine's server: `python -m tui.engine --home HOME --socket SOCKET [--port N]`.

Exit status: 0 stopped on request, 2 could not start, 3 another engine runs on this home.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
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
from tui.engine.jobs.launcher import LocalLauncher
from tui.engine.jobs.store import Store
from tui.engine.jobs.supervisor import Supervisor
from tui.engine.listening import claim_home, listen_on_port, listen_on_socket

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})
_SHUTDOWN_SECONDS = 3


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tui.engine", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for all data")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--port", type=int, help="also serve on this TCP port, with a token")
    parser.add_argument("--host", default="127.0.0.1", help="TCP address [127.0.0.1]")
    parser.add_argument(
        "--max-running",
        type=int,
        default=1,
        metavar="N",
        help="number of jobs that train at a time [1]",
    )
    parser.add_argument(
        "--gpus",
        type=int,
        default=1,
        metavar="N",
        help="number of GPUs that train a job together [1]",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; returns the exit status."""
    gc.freeze()  # modules live as long as the process
    flags = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)  # data is readable by its owner only
    home = Home(flags.home.absolute())
    try:
        with claim_home(home):
            tempfile.tempdir = str(home.scratch)  # uploads are spooled on the home's disk
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
    """Serve until stopped.

    Raises:
        StartError: a socket cannot be opened, or the home cannot be written.
    """
    path = flags.socket.absolute()
    sockets = [listen_on_socket(path)]
    try:
        token = url = None
        if flags.port is not None:
            sockets.append(listen_on_port(flags.host, flags.port))
            url, token = _base_url(flags.host, sockets[1]), _load_token(home)
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
        supervisor=Supervisor(
            home, store, LocalLauncher(flags.gpus), max_running=flags.max_running
        ),
        answering=InferenceClient(home),
        stop=stop,
    )
    app = create_app(engine, token=token, hosts=_allowed_hosts(flags.host))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        server_header=False,
    )
    server = _Server(config, engine)
    _write_record(engine)
    await server.serve(sockets=sockets)


class _Server(uvicorn.Server):
    """Removes its record before it shuts down, so that the next engine waits for it."""

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Remove the record, then shut down."""
        self._engine.home.record.unlink(missing_ok=True)
        await super().shutdown(sockets)


def _allowed_hosts(host: str) -> frozenset[str] | None:
    """Host names that requests may be addressed to; None allows any, on an open address."""
    return None if host in _ANY_ADDRESS else _LOOPBACK | {host.lower()}


def _base_url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def _load_token(home: Home) -> str:
    try:
        return load_token(home.token)
    except OSError as error:
        raise StartError(f"The token {home.token} cannot be stored: {error.strerror}.") from error


def _write_record(engine: Engine) -> None:
    """Write the process id, addresses and version into the home, for clients."""
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
