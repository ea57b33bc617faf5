"""API clients: any address gives a client or an error, and each has timeouts."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from tui.services.errors import InputError
from tui.services.providers.clients import (
    CONNECT_SECONDS,
    DEAD_SECONDS,
    RETRIES,
    keep_alive,
    remote_client,
)
from tui.settings import ProviderProfile

HOSTS = st.text(max_size=12) | st.text(alphabet="a1.-_:[]%@\\äß‮", max_size=12)


@settings(max_examples=40, deadline=None)
@given(HOSTS, HOSTS)
def test_any_base_url_gives_a_client_or_an_input_error(host: str, path: str) -> None:
    with suppress(ValidationError):
        profile = ProviderProfile(base_url=f"http://{host}/{path}")
        assert isinstance(profile.address, str)
        with suppress(InputError):
            client = remote_client("far", profile, SecretStr("sk-secret123456"))
            assert "sk-secret" not in repr(client) + str(client.base_url)


def test_a_proxy_error_hides_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:hunter2-hunter2@proxy:1")
    with pytest.raises(InputError, match="HTTPS_PROXY") as refused:
        remote_client("far", ProviderProfile(base_url="https://far/v1"), None)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_a_client_has_timeouts_and_no_retries() -> None:
    profile = ProviderProfile(base_url="http://far.example/v1", timeout=7)
    client = remote_client("far", profile, None)
    assert client.max_retries == 0 < RETRIES
    assert client.timeout.read == 7  # type: ignore[union-attr]
    assert client.timeout.connect == CONNECT_SECONDS  # type: ignore[union-attr]
    await client.close()


def test_openai_organisation_headers_are_sent_to_openai_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    there = remote_client("openai", ProviderProfile(base_url="https://api.openai.com/v1"), None)
    assert there.default_headers["OpenAI-Organization"] == "org-mine"
    elsewhere = remote_client("lab", ProviderProfile(base_url="https://lab.example/v1"), None)
    assert "mine" not in repr(elsewhere.default_headers)


def test_sockets_are_set_to_detect_dead_connections() -> None:
    with socket.socket() as connection:
        for option in keep_alive():
            connection.setsockopt(*option)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            waits = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert waits == 2000 * DEAD_SECONDS
