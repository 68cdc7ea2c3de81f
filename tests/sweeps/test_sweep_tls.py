"""Schedulers that answer only to those who may call: a sweep over TLS, by the commands of the documentation."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest
from sweep_notebooks import executed, write_grid

from dtc_helpers.sweeps import cluster
from dtc_helpers.sweeps.cluster import Settings, connect

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
SECTION = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8").partition("### Who may call")[2].partition("###")[0]
CERTIFICATES, SWEEP = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def make_certificates(folder):
    folder.mkdir(exist_ok=True)
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here, which makes the certificates")
    subprocess.run(["sh", "-ec", CERTIFICATES], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """Folder of a sweep over TLS, its exit status, and the address of its scheduler, which still runs."""
    folder, port = tmp_path_factory.mktemp("secured"), free_port()
    write_grid(folder, cross={"x": [1, 2]})
    make_certificates(folder)
    written = {".venv/bin/": f"{Path(sys.executable).parent}/", "HOST": "127.0.0.1", "8786": port, ":8787": ":0"}
    script = SWEEP
    for word, ours in written.items():
        assert word in script
        script = script.replace(word, ours)
    with (folder / "log.txt").open("w") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        shell = subprocess.Popen(
            ["sh", "-ec", script], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield folder, shell.wait(PATIENCE_SECONDS), f"tls://127.0.0.1:{port}"
    finally:
        os.killpg(shell.pid, signal.SIGKILL)


def test_sweep_over_tls_runs_by_the_commands_of_the_documentation(secured):
    folder, status, _ = secured
    log = (folder / "log.txt").read_text()
    assert status == 0, log
    assert re.search(r"Registered to: +tls://", log)
    assert "tcp://" not in log
    assert sorted(executed(folder)) == [1, 2]
    assert len(list((folder / "runs").glob("*/result.json"))) == 2


def test_sweep_without_certificate_ends_at_once_with_a_sentence(secured):
    folder, _, address = secured
    arguments = ("sweep", "grid.yaml", "--out", "other", "--scheduler", address)
    refused = subprocess.run(
        [sys.executable, "-m", "dtc_helpers", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=PATIENCE_SECONDS, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode == 1
    assert re.fullmatch(
        rf"no connection to the scheduler {address} .*this side needs a certificate.*\n", refused.stderr
    )


def certificates(ca, own):
    files = {"ca-file": ca / "ca.pem", "client.cert": own / "own.pem", "client.key": own / "own-key.pem"}
    return {
        **{f"distributed.comm.tls.{name}": str(path) for name, path in files.items()},
        "distributed.comm.require-encryption": True,
    }


def test_certificate_of_another_authority_is_refused_and_one_of_the_same_is_not(secured, tmp_path):
    folder, _, address = secured
    make_certificates(tmp_path)
    for ca, own, why in (
        (folder, tmp_path, "CommClosedError: "),  # the other side's word, which tells little
        (tmp_path, folder, "TLS certificate does not match"),
        (tmp_path, tmp_path, "TLS certificate does not match"),
        (tmp_path / "none", folder, "FileNotFoundError"),
    ):
        with (
            dask.config.set(certificates(ca, own)),
            pytest.raises(ConnectionError, match=rf"^no connection to the scheduler {address} \(.*{why}"),
            connect(Settings(scheduler=address)),
        ):
            pass
    with dask.config.set(certificates(folder, folder)), connect(Settings(scheduler=address)) as client:
        assert client.status == "running"


def test_address_without_tls_is_refused(secured):
    folder, _, address = secured
    plain = address.replace("tls", "tcp")
    for config in ({}, certificates(folder, folder)):
        with (
            dask.config.set(config),
            pytest.raises(ConnectionError, match=r"with TLS the address begins with tls://"),
            connect(Settings(scheduler=plain)),
        ):
            pass


def test_sweep_on_this_machine_needs_no_certificate_whatever_the_environment_says(tmp_path):
    with dask.config.set(certificates(tmp_path, tmp_path)), connect(Settings(workers=1)) as client:
        assert client.submit(abs, -1).result() == 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "missing port number"),
        ("tcp://127.0.0.1", "missing port number"),
        ("http://127.0.0.1:8787", "unknown address scheme 'http'"),
        ("tcp://127.0.0.1:door", "invalid literal"),
        ("tls://127.0.0.1:1", "perhaps check your TLS configuration"),
    ],
)
def test_address_that_is_none_is_refused(address, why):
    with pytest.raises(ConnectionError, match=f"no connection to the scheduler {address} .*{why}"):  # noqa: SIM117
        with connect(Settings(scheduler=address)):
            pass


def test_what_listens_and_does_not_answer_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(cluster, "_MORE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "0.1s"}),
            pytest.raises(ConnectionError, match=r"TimeoutError: no answer of a scheduler in 0.2 s"),
            connect(Settings(scheduler=address)),
        ):
            pass
