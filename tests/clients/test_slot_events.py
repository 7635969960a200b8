"""A card goes and comes back under programs that know nothing of it."""

import subprocess
import sys
from pathlib import Path

from tests.clients.host import LABEL, Host, wait_for

WAITER = """
import ctypes, os
library = ctypes.CDLL(os.environ["GHOSTCARD_MODULE"])
slot = ctypes.c_ulong(99)
assert library.C_Initialize(None) == 0
print("ready", flush=True)
for _ in range(2):
    assert library.C_WaitForSlotEvent(ctypes.c_ulong(0), ctypes.byref(slot), None) == 0
    info = (ctypes.c_ulong * 16)()
    assert library.C_GetSlotInfo(slot, ctypes.byref(info)) == 0
    print(slot.value, "here" if info[12] & 1 else "gone", flush=True)
"""
"""CK_SLOT_INFO has its flags behind 96 bytes, CKF_TOKEN_PRESENT is 1."""


def switch(host: Host, how: str) -> None:
    host.run(sys.executable, "-m", "ghostcard", "cards", how, "00")


def slots(host: Host) -> str:
    listed = host.run("pkcs11-tool", "--module", host.module, "--list-slots")
    return listed.stdout.decode()


def test_pkcs11_tool_sees_an_empty_slot(token: Host) -> None:
    assert f"token label        : {LABEL}" in slots(token)
    switch(token, "--config-off")
    assert slots(token).count("(empty)") == 2
    switch(token, "--config-on")
    assert f"token label        : {LABEL}" in slots(token)


def test_a_program_that_waits_is_told(token: Host, tmp_path: Path) -> None:
    """Each slot of the card has its event."""
    host = token.setting(GHOSTCARD_MODULE=token.module)
    told = tmp_path / "told"
    with told.open("w") as out:
        waiting = subprocess.Popen(
            [sys.executable, "-c", WAITER], env=host.environment, stdout=out, text=True
        )
        wait_for(lambda: told.read_text().startswith("ready"))
        switch(token, "--config-off")
        assert waiting.wait(30) == 0
    assert told.read_text().splitlines() == ["ready", "0 gone", "1 gone"]
