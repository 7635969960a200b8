"""An accelerator slot beside an EP11 slot, as the README has it, with real programs."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, SO_PIN, Host
from tests.clients.test_pkcs11_tool import TEXT, generate, tool

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def accelerated(host: Host) -> Host:
    """A host of the README's example with a token in its accelerator slot, which is made the first:
    programs that name no slot take that.
    """
    (example,) = re.findall(r"```toml\n(\[\[cards\]\].*?cex8a.*?)```", README.read_text(), re.S)
    first = example.replace("id = 0", "id = 2").replace("id = 1", "id = 0")
    config = host.file("machine.toml", first.encode())
    host = host.setting(GHOSTCARD_CONFIG=str(config))
    pins = ("--so-pin", SO_PIN, "--pin", PIN, "--slot", "0")
    host.run(sys.executable, "-m", "ghostcard", "token", "init", "--label", LABEL, *pins)
    return host


def test_pkcs11_tools_own_tests_find_no_errors(accelerated: Host) -> None:
    generate(accelerated, "RSA:2048", "rsa")
    generate(accelerated, "EC:secp256r1", "ec")
    report = tool(accelerated, "--test").decode()
    assert report.endswith("No errors\n")
    assert "ERR:" not in report


def test_the_account_has_what_the_accelerator_did(accelerated: Host) -> None:
    public = generate(accelerated, "RSA:2048", "rsa")
    accelerated.file("text", TEXT)
    sign = ("--sign", "--label", "rsa", "-m", "SHA256-RSA-PKCS", "-i", "text", "-o", "signed")
    command = ("pkcs11-tool", "--module", "{module}", "--login", "--pin", PIN, *sign)
    run = (sys.executable, "-m", "ghostcard", "run", "--json", "--output", "account.json", "--")
    accelerated.run(*run, *command)
    accelerated.verify(public, "signed", "text")
    account = json.loads((accelerated.folder / "account.json").read_text())
    assert [kind["operation"] for kind in account["operations"]] == ["rsa2048-crt"]
    assert account["operations"][0]["requests"] == 1
    assert account["verbs"] == {}
    shown = accelerated.run(*run[:4], "--", *command).stderr.decode()
    assert "rsa2048-crt" in shown
    assert "verbs" not in shown
    assert re.search(r"1 \(this run\) +8 .* clients", shown)  # the EP11 card had no request
