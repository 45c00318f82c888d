"""A deployment's settings: what is refused by name at the start, and what reaches whom."""

import subprocess
import sys

import pytest
from scenewright_server.service.settings import load_settings, local_settings


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"address": "127.0.0.1:99999"}, "address\n.*port of 0 to 65535"),
        ({"address": "127.0.0.1"}, "address"),
        ({"address": "127.0.0.1:"}, "address"),
        ({"address": ":7447"}, "address"),
        ({"address": "::1:7447"}, "address"),
        ({"address": "http://a:1"}, "address"),
        ({"address": "127.0.0.1:-1"}, "address"),
        ({"address": "a b:1"}, "address"),
        ({"metrics_port": 65536}, "metrics_port\n.*65535"),
        ({"metrics_port": -1}, "metrics_port"),
        ({"device": "gpu"}, "device"),
        ({"device": "cuda:x"}, "device"),
        ({"dtype": "int4"}, "dtype"),
        ({"grace_s": -1}, "grace_s"),
        ({"tls_key": "no.pem", "tls_certificate": "no.pem"}, "tls_certificate: no file at no.pem"),
        ({"tokens": "no.tokens"}, "tokens: no file at no.tokens"),
    ],
)
def test_a_wrong_setting_is_named(flags: dict, message: str):
    with pytest.raises(ValueError, match=message):
        load_settings(**flags)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "localhost:7447", "[::1]:7447", "[::]:1", "0.0.0.0:65535", "unix:/run/s"]
)
def test_an_address_is_taken(address: str):
    assert load_settings(address=address).address == address


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "config: no file at"),
        (b"slots = ", "config: .* is no TOML"),
        (b"\xff\xfe", "config: .* is no TOML"),
        (b"dragons = 1", "dragons"),
        (b"[limits]\nmax_dragons = 1", "max_dragons"),
        (b"metrics_port = 70000", "metrics_port"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content: bytes | None, message: str):
    path = tmp_path / "server.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_settings(path)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SCENEWRIGHT_SLOT", "4", "SCENEWRIGHT_SLOT in the environment"),
        ("SCENEWRIGHT_LIMITS__MAX_DRAGONS", "4", "SCENEWRIGHT_LIMITS__MAX_DRAGONS in the environment"),
        ("SCENEWRIGHT_SLOTS__X", "4", "SCENEWRIGHT_SLOTS__X in the environment"),
        ("scenewright_nope", "4", "scenewright_nope in the environment"),
        ("SCENEWRIGHT_SLOTS", "x", "slots"),
        ("SCENEWRIGHT_SLOTS", "", "slots"),
        ("SCENEWRIGHT_MODELS", "[", "models"),
        ("SCENEWRIGHT_TLS_KEY", "/nope", "tls_key is given without tls_certificate"),
    ],
)
def test_a_wrong_variable_is_named_and_reaches_no_local_server(monkeypatch, variable: str, value: str, message: str):
    plain = local_settings().model_dump()
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=message):
        load_settings()
    assert local_settings().model_dump() == plain
    assert local_settings(slots=3).slots == 3


def test_what_is_no_pem_is_told(tmp_path):
    path = tmp_path / "one.pem"
    path.write_text("pem")
    with pytest.raises(ValueError, match=r"tls_certificate: .* holds no PEM"):
        load_settings(tls_certificate=path, tls_key=path)


def test_the_clients_own_variables_are_no_settings(monkeypatch):
    monkeypatch.setenv("SCENEWRIGHT_SERVER", "127.0.0.1:1")
    monkeypatch.setenv("SCENEWRIGHT_TOKEN", "x")
    assert load_settings().model_dump() == local_settings().model_dump()


def test_serve_ends_with_one_line_before_it_listens(tmp_path):
    given = [sys.executable, "-c", "from scenewright.cli.app import main; main()", "serve", "--model", str(tmp_path)]
    done = subprocess.run(given, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: models: no bundle at")
