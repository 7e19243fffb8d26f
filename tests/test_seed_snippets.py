"""The snippet of the integration guide, line for line in Python with its names, run for real; and the types that it relies on.

The comments are the lines of the guide. What is not there yet is held to be not there, so that this file changes when it comes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.home import Home
from mpp import (
    Denied,
    Gatekeeper,
    Granted,
    PermissionPolicy,
    PrivacyFilterEngine,
    RequiresConfirmation,
    SandboxConfig,
    WasmSandbox,
    extract_approved_dirs,
    extract_approved_env_vars,
)
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets
from mpp.host.trust_store import TrustStore, with_first_use
from mpp.model.jsontext import Json
from mpp.model.manifest import CustomPattern
from mpp.stages.sandbox import ToolResult
from mpp.testing import packages
from mpp.testing.installing import install_tool
from mpp.testing.keys import publisher
from mpp.testing.tools import greeting
from tests import records

WHO = publisher()
TRUSTED = "org.mycompany.internal-tool"
REQUEST = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "greet", "arguments": {"name": "Ada"}}}\n'


@pytest.fixture
def home(home: Path, compiled: Path) -> Path:
    """The processes of these tests find the expressions of the privacy filter compiled."""
    home.mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache")
    return home


def tool(home: Path, folder: Path, package_id: str, **changes: Json) -> Path:
    """``tool.mpp`` of a publisher whom this home trusts for exactly this package."""
    path = folder / "tool.mpp"
    path.write_bytes(packages.signed(WHO, {"package_id": package_id, **changes}, {packages.ENTRYPOINT: greeting("Hello, Ada!")}))
    TrustStore(Home(path=str(home)).trust).change(lambda state: with_first_use(state, WHO.chain, package_id))
    return path


def integrate(path: Path, request_bytes: bytes, policy: PermissionPolicy | None = None) -> object:
    # let result = Gatekeeper::verify_file(Path::new("tool.mpp"))?;
    result = Gatekeeper.verify_file(path)

    # let policy = PermissionPolicy::new()
    #     .trust_package("org.mycompany.internal-tool")
    #     .auto_approve_low(true);
    policy = policy or PermissionPolicy().trust_package("org.mycompany.internal-tool").auto_approve_low(True)

    # match policy.evaluate(&result.manifest) {
    match policy.evaluate(result.manifest):
        # PolicyDecision::Granted(token) => {
        case Granted(token=token):
            # let config = SandboxConfig {
            config = SandboxConfig(
                # memory_limit_bytes: result.manifest.runtime.memory_limit_mb as u64 * 1024 * 1024,
                memory_limit_bytes=result.manifest.runtime.memory_limit_mb * 1024 * 1024,
                # timeout: Duration::from_millis(result.manifest.runtime.timeout_ms as u64),
                timeout=timedelta(milliseconds=result.manifest.runtime.timeout_ms),
                # stdin_data: request_bytes,
                stdin_data=request_bytes,
                # env_vars: extract_approved_env_vars(&token),
                env_vars=extract_approved_env_vars(token),
                # dir_mappings: extract_approved_dirs(&token),
                dir_mappings=extract_approved_dirs(token),
                # capability_token: Some(token),
                capability_token=token,
                # allowed_network_domains: result.manifest.capabilities.network.clone(),
                allowed_network_domains=result.manifest.capabilities.network,
            )
            # let sandbox = WasmSandbox::new()?;
            sandbox = WasmSandbox()
            # let output = sandbox.execute(&result.wasm_binary, config)?;
            output = sandbox.execute(result.wasm_binary, config)
            sandbox.close()

            # let engine = PrivacyFilterEngine::from_config(
            #     &result.manifest.privacy_filters.patterns,
            #     &custom_patterns,
            # )?;
            # let (filtered, applied) = engine.redact_json(&response.result.content);
            response = output
            engine = PrivacyFilterEngine.from_config(
                result.manifest.privacy_filters.patterns,
                result.manifest.privacy_filters.custom_patterns,
            )
            filtered, applied = engine.redact_json(response.result.content)
            return filtered, applied, response
        # PolicyDecision::RequiresConfirmation { capabilities, security_level } => {
        case RequiresConfirmation(capabilities=capabilities, security_level=security_level):
            # Show HITL dialog, then proceed if approved
            return capabilities, security_level
        # PolicyDecision::Denied { reason } => {
        case Denied(reason=reason):
            # Block execution
            return reason


def test_the_snippet_runs_a_granted_tool(home: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = str((tmp_path / "data").resolve())
    store = open_secrets(Home(path=str(home)))
    store.change(lambda entries: {**entries, "API_KEY": make_entry("API_KEY", "s3cret", created=1)})
    changes: dict[str, Json] = {
        "capabilities/network": ["api.example.com"], "capabilities/env_vars": ["API_KEY"], "capabilities/filesystem": {"read": [data], "write": []},
        "tool_definitions/0/security_level": "high",
    }  # fmt: skip
    found = integrate(tool(home, tmp_path, TRUSTED, **changes), REQUEST)
    assert isinstance(found, tuple)
    filtered, applied, response = found
    assert isinstance(response.result, ToolResult)
    # What a sandbox gives is filtered already, so nothing is left to find.
    assert filtered == response.result.to_json()["content"] == [{"type": "text", "text": "Hello, Ada!"}]
    assert applied == ()
    kinds = [event.kind for event in records.events(home)]
    assert kinds == ["token-narrowed", "intent", "token-used", "result"]


def test_the_engine_of_the_snippet_redacts() -> None:
    engine = PrivacyFilterEngine.from_config(("email",), (CustomPattern(id="customer_id", regex=r"CUST-\d{8}", description="a customer"),))
    message: dict[str, Json] = {"text": "ada@example.com is CUST-00012345"}
    filtered, applied = engine.redact_json(message)
    assert applied == ("customer_id", "email")
    assert "ada" not in str(filtered)
    assert "CUST-0" not in str(filtered)
    assert message == {"text": "ada@example.com is CUST-00012345"}
    with pytest.raises(Refused, match="no pattern"):
        PrivacyFilterEngine.from_config(("emial",))


def test_the_snippet_approves_what_is_low(home: Path, tmp_path: Path) -> None:
    assert isinstance(integrate(tool(home, tmp_path, "com.example.hello"), REQUEST), tuple)


def test_the_snippet_asks_about_everything_else(home: Path, tmp_path: Path) -> None:
    path = tool(home, tmp_path, "com.example.hello", **{"capabilities/network": ["api.example.com"], "tool_definitions/0/security_level": "high"})
    assert integrate(path, REQUEST) == (("May send requests to api.example.com over HTTPS.",), "high")


def test_the_snippet_blocks_what_is_denied(home: Path, tmp_path: Path) -> None:
    path = tool(home, tmp_path, "com.example.hello")
    assert integrate(path, REQUEST, PermissionPolicy().deny_package("com.example.hello")) == "the host denies com.example.hello"


def test_raw_bytes_are_refused_where_something_verified_must_stand(home: Path, tmp_path: Path) -> None:
    path = tool(home, tmp_path, TRUSTED)
    result = Gatekeeper.verify_file(path)
    with pytest.raises(Refused) as fault:
        PermissionPolicy().evaluate(path.read_bytes())  # type: ignore[arg-type]
    assert fault.value.code == "policy.unverified"
    decision = PermissionPolicy().trust_package(TRUSTED).evaluate(result.manifest)
    assert isinstance(decision, Granted)
    with WasmSandbox() as sandbox, pytest.raises(Refused) as fault:
        sandbox.execute(greeting(), SandboxConfig(stdin_data=REQUEST, capability_token=decision.token))  # type: ignore[arg-type]
    assert fault.value.code == "policy.unverified"


# --- what a type checker says

SOUND = """
from mpp import Gatekeeper, Granted, PermissionPolicy, SandboxConfig, WasmSandbox
from mpp.host.integration_types import Output

found = Gatekeeper.verify_file("tool.mpp")
decision = PermissionPolicy().trust_package("org.mycompany.internal-tool").auto_approve_low(True).evaluate(found.manifest)
if isinstance(decision, Granted):
    output: Output = WasmSandbox().execute(found.wasm_binary, SandboxConfig(stdin_data=b"{}", capability_token=decision.token))
"""
WRONG = {
    'PermissionPolicy().evaluate(b"{}")': "arg-type",
    "PermissionPolicy().evaluate({})": "arg-type",
    "PermissionPolicy().evaluate(found.manifest.plain)": "arg-type",
    "PermissionPolicy().evaluate(found.wasm_binary)": "arg-type",
    'WasmSandbox().execute(b"", SandboxConfig(stdin_data=b"{}"))': "arg-type",
    'WasmSandbox().execute(found.manifest, SandboxConfig(stdin_data=b"{}"))': "arg-type",
    'SandboxConfig(stdin_data=b"{}", capability_token="token")': "arg-type",
    'SandboxConfig(stdin_data="text")': "arg-type",
}


def test_a_type_checker_takes_the_sound_snippet_and_refuses_each_wrong_line(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "sound.py").write_text(SOUND)
    head = SOUND.strip().splitlines()
    (tmp_path / "wrong.py").write_text("\n".join([*head, *WRONG]) + "\n")
    words = [
        "--strict",
        "--config-file=",
        "--no-error-summary",
        "--hide-error-context",
        "--no-pretty",
        f"--cache-dir={root / 'build' / 'mypy-snippets'}",
        "sound.py",
        "wrong.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words], cwd=tmp_path, env={**os.environ, "MYPYPATH": str(root / "src")}, capture_output=True, text=True, check=False
    )  # fmt: skip
    found = [line.split(":", 3) for line in done.stdout.splitlines() if ": error:" in line]
    assert [(name, int(number) - len(head), words.rpartition("[")[2]) for name, number, _, words in found] == [
        ("wrong.py", place, f"{code}]") for place, code in enumerate(WRONG.values(), start=1)
    ], done.stdout + done.stderr


# --- a host in fifty lines


def minimal(root: Path, path: Path, request: str, answer: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(root / "examples" / "hosts" / "minimal.py"), str(path), request]
    return subprocess.run(words, input=answer, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", ["minimal.py", "tools.py"])
def test_a_host_has_fifty_lines_at_most(root: Path, name: str) -> None:
    assert len((root / "examples" / "hosts" / name).read_text().splitlines()) <= 50


def test_a_host_of_installed_tools_lists_and_calls(root: Path, home: Path) -> None:
    install_tool(Home(path=str(home)), greeting("Hello, Ada!"))
    words = [sys.executable, str(root / "examples" / "hosts" / "tools.py"), "hello__greet", "{}"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "Hello, Ada!\n"), done.stderr
    assert "hello__greet: Greets a person" in done.stderr


def test_the_smallest_host_runs_a_tool_of_low_risk(root: Path, home: Path, tmp_path: Path) -> None:
    done = minimal(root, tool(home, tmp_path, "com.example.hello"), '{"tool": "greet"}', "")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["result"]["content"][0]["text"] == "Hello, Ada!"


@pytest.mark.parametrize(("answer", "code", "ran"), [("y\n", 0, True), ("n\n", 24, False), ("yes\n", 24, False)])
def test_the_smallest_host_asks_and_runs_after_a_yes(root: Path, home: Path, tmp_path: Path, answer: str, code: int, ran: bool) -> None:
    path = tool(home, tmp_path, "com.example.hello", **{"capabilities/network": [{"host": "api.example.com", "methods": ["GET"]}, "api.example.org"]})
    done = minimal(root, path, '{"tool": "greet"}', answer)
    assert (done.returncode, "Hello, Ada!" in done.stdout) == (code, ran), done.stderr
    assert "May send GET requests to api.example.com over HTTPS." in done.stdout


def test_the_smallest_host_says_what_was_refused(root: Path, home: Path, tmp_path: Path) -> None:
    path = tool(home, tmp_path, "com.example.hello", **{"tool_definitions/0/security_level": "critical"})
    done = minimal(root, path, '{"tool": "greet"}', "y\n")
    assert done.returncode == 1
    assert done.stderr.startswith("approval.weak: ")
    path.write_bytes(path.read_bytes()[:-1])
    assert minimal(root, path, "{}", "y\n").stderr.startswith("archive.")
