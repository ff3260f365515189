"""An endpoint and whoever means it no good: nothing but clear refusals, nothing told, no crash.

`FUZZED=10000 make test-e2e` sends so many broken bodies; fewer by default.
"""

import asyncio
import json
import os
import random
import re
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from mlnb import models, serving
from mlnb.core import project as projects
from mlnb.core.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

FUZZED = int(os.environ.get("FUZZED", "2000"))
EXAMPLES = int(os.environ.get("EXAMPLES", "30"))
LIMIT = 256 * 1024
TELLING = re.compile(
    r"Traceback|File \"|site-packages|line \d+, in |\.py\b|/home/|/root|/tmp/|/usr/lib"
    r"|0x[0-9a-f]{8}"
)
"""What no answer may show of the inside."""
ROW = {"distance": 800.5, "hour": 20, "weekend": True, "carrier": "AA"}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/predict", {"rows": [ROW], "ids": ["a"], "times": ["2013-01-01T00:00:00Z"]}),
    ("/invocations", {"dataframe_records": [ROW, ROW]}),
    ("/invocations", {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}}),
    ("/invocations", {"instances": [list(ROW.values())]}),
    ("/invocations", {"inputs": {key: [value] for key, value in ROW.items()}, "params": {}}),
    (
        "/v2/models/late/infer",
        {
            "id": "1",
            "inputs": [
                {"name": name, "shape": [1], "datatype": kind, "data": [ROW[name]]}
                for name, kind in zip(ROW, ("FP64", "INT64", "BOOL", "BYTES"), strict=True)
            ],
        },
    ),
]
ODD: list[Any] = [
    *(None, True, -1, 0, 2**31, 2**63, -(2**63), 2**64, 10**400, 1e308, -1e308, 5e-324, 0.1, ""),
    *("\x00", "é" * 50, "\ud83d\ude00", "' OR 1=1", "../../etc/passwd", "{{7*7}}", "NaN"),
    *([], {}, [[]], [None], {"": {}}, {"__class__": "x"}, "9" * 5000, ["a"] * 300, "null"),
]


@dataclass(frozen=True)
class Open:
    """An endpoint that runs."""

    host: str
    port: int
    token: str
    project: Project

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def workers(self) -> list[int]:
        """Return the pids of the processes that answer."""
        import psutil

        pid = serving.status("late").pid
        assert pid is not None
        return sorted(child.pid for child in psutil.Process(pid).children(recursive=True))

    def raw(self, sent: bytes, seconds: float = 10) -> bytes:
        """Send bytes as they are and return all that comes back."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as line:
            line.sendall(sent)
            received = b""
            try:
                while part := line.recv(65536):
                    received += part
                    if b"\r\n\r\n" in received and _whole(received):
                        break
            except (TimeoutError, ConnectionError):
                pass
        return received

    def well(self) -> None:
        """Show that it still predicts."""
        answer = httpx.post(
            f"{self.url}/predict", json={"rows": [ROW]}, headers=self.headers, trust_env=False
        )
        assert answer.status_code == 200, answer.text


def _whole(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    return length is not None and len(body) >= int(length[1])


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    folder = tmp_path_factory.mktemp("fuzz") / "project"
    projects.init(folder, "fuzz")
    settings = folder / "mlnb.toml"
    settings.write_text(f"{settings.read_text()}\nendpoint_body_limit = {LIMIT}\n")
    project = projects.current(folder)
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "distance": chance.uniform(100, 3000, 300),
            "hour": chance.integers(0, 24, 300),
            "weekend": chance.random(300) > 0.7,
            "carrier": chance.choice(["AA", "UA"], 300),
        }
    )
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["carrier"]),
        remainder="passthrough",
    )
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5))
    with projects.using(project), pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        models.register(model.fit(frame, frame["hour"] > 12), "late", example=frame)
        serving.deploy("late@1", "late")
        opened = serving.endpoint("late")
        host, _, port = opened.url.removeprefix("http://").partition(":")
        try:
            yield Open(host, int(port), opened.token, project)
        finally:
            serving.stop("late")


@pytest.fixture(autouse=True)
def unharmed(endpoint: Open) -> Iterator[None]:
    """Whatever was sent: the same processes answer as before."""
    before = endpoint.workers()
    yield
    endpoint.well()
    assert endpoint.workers() == before, "a process was replaced, so one had crashed"


def harmless(endpoint: Open, status: int, text: str, sent: Any) -> None:
    assert status < 500, (status, text[:500], sent)
    assert not TELLING.search(text), (text[:500], sent)
    assert str(endpoint.project.root) not in text
    assert endpoint.token not in text


def test_schemathesis_finds_nothing(endpoint: Open) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{endpoint.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {endpoint.token}"),
        *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"),
        *("--seed", "1", "--no-color"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def mutated(chance: random.Random, body: Any) -> bytes:
    """Return a body that is broken in one way or another."""
    way = chance.randrange(8)
    if way < 3:
        return json.dumps(replaced(chance, body, chance.choice(ODD))).encode()
    raw = bytearray(json.dumps(body).encode())
    if way == 3:
        for _ in range(chance.randint(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    elif way == 4:
        del raw[chance.randrange(len(raw)) :]
    elif way == 5:
        start = chance.randrange(len(raw))
        raw[start:start] = chance.randbytes(chance.randint(1, 40))
    elif way == 6:
        depth = chance.choice([10, 300, 5000, 100_000])
        return b'{"rows":' + b"[" * depth + b"]" * chance.choice([0, depth]) + b"}"
    else:
        return chance.randbytes(chance.randint(0, 400))
    return bytes(raw)


def replaced(chance: random.Random, value: Any, odd: Any) -> Any:
    """Replace, add or remove something somewhere in a JSON value."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        made = dict(value)
        key = chance.choice(list(made))
        way = chance.random()
        if way < 0.6:
            made[key] = replaced(chance, made[key], odd)
        elif way < 0.8:
            del made[key]
        else:
            made[str(odd)[:100]] = odd
        return made
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        return [*value[:at], replaced(chance, value[at], odd), *value[at + 1 :]]
    return odd


MEDIA = ["application/json"] * 6 + ["text/csv", "", "text/plain", "application/json; charset=x"]


def test_broken_bodies_are_refused_and_nothing_more(endpoint: Open) -> None:
    chance = random.Random(7)  # noqa: S311
    statuses: Counter[int] = Counter()
    with httpx.Client(base_url=endpoint.url, headers=endpoint.headers, trust_env=False) as client:
        for _ in range(FUZZED):
            path, body = chance.choice(BODIES)
            content = mutated(chance, body)
            headers = {"Content-Type": chance.choice(MEDIA)}
            if chance.random() < 0.1:
                size = chance.choice(["0", "5", str(len(content)), "-1", "9" * 20, "x"])
                headers["Inference-Header-Content-Length"] = size
            answer = client.post(path, content=content, headers=headers, timeout=30)
            statuses[answer.status_code] += 1
            harmless(endpoint, answer.status_code, answer.text, content[:300])
            if answer.status_code != 200:
                said = answer.json()
                assert said["error"], said
                assert said["request_id"], said
    assert statuses[200] > 0
    assert statuses[400] > FUZZED / 3, statuses


@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_too_large_is_refused(endpoint: Open, chunked: bool) -> None:
    for path in ("/predict", "/invocations", "/v2/models/late/infer"):
        whole = b" " * (LIMIT + 1)
        content: Any = (whole[start : start + 9999] for start in range(0, len(whole), 9999))
        answer = httpx.post(
            endpoint.url + path,
            content=content if chunked else whole,
            headers=endpoint.headers,
            trust_env=False,
        )
        assert answer.status_code == 413, answer.text
        harmless(endpoint, answer.status_code, answer.text, path)
    said = endpoint.raw(
        b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\nabc", 3
    )
    assert re.match(rb"HTTP/1.1 (413|401)", said), said  # it does not wait for so much


def test_slow_clients_do_not_keep_others_waiting(endpoint: Open) -> None:
    lines = []
    try:
        for number in range(200):
            line = socket.create_connection((endpoint.host, endpoint.port), timeout=5)
            head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
            line.sendall(head[: number % len(head)] if number % 2 else head + b"\r\n{")
            lines.append(line)
        took = []
        for _ in range(20):
            began = time.monotonic()
            endpoint.well()
            took.append(time.monotonic() - began)
            for line in lines[::10]:
                line.send(b"x")
        assert sorted(took)[10] < 1, took
    finally:
        for line in lines:
            line.close()


TOKENS: list[Callable[[str], str | None]] = [
    lambda _token: None,
    lambda _token: "",
    lambda _token: "Bearer",
    lambda _token: "Bearer ",
    lambda token: token,
    lambda token: f"Basic {token}",
    lambda token: f"Bearer {token}x",
    lambda token: f"Bearer {token[:-1]}",
    lambda token: f"Bearer {token.swapcase()}",
    lambda token: f"Bearer {token} {token}",
    lambda token: f'Bearer "{token}"',
    lambda _token: "Bearer " + "A" * 8000,
    lambda _token: "Bearer null",
    lambda _token: "Bearer \xe9\xff",
    lambda token: f"Bearer {token}\t,Bearer x",
]


@pytest.mark.parametrize("made", range(len(TOKENS)))
def test_nothing_is_told_without_the_token(endpoint: Open, made: int) -> None:
    given = TOKENS[made](endpoint.token)
    sent = b"" if given is None else b"Authorization: " + given.encode("latin-1") + b"\r\n"
    for method, path in (
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/version"),
        ("GET", "/v2"),
        ("GET", "/v2/models/late"),
        ("GET", "/nowhere"),
        ("POST", "/predict"),
        ("POST", "/invocations"),
        ("POST", "/v2/models/late/infer"),
        ("DELETE", "/ping/../metrics"),
    ):
        line = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n".encode()
        answer = endpoint.raw(line + sent + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 401"), (path, answer)
        assert b"distance" not in answer
        harmless(endpoint, 401, answer.decode("latin-1"), path)


PATHS = [
    *("//predict", "/predict/", "/Predict", "/./predict", "/predict/../metrics", "/..", "/../.."),
    *("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd"),
    *("/docs/../../mlnb.toml", "/%00", "/predict%00.json", "/predict;a=b", "/v2/models/../models"),
    *("/v2/models/late/versions/99/infer", "/v2/models/late%20", "/v2/models/%6cate/x", "*"),
    *("http://evil.invalid/etc", "/\\..\\..\\windows", "/" + "a" * 8000, "/?a=" + "b" * 8000),
    *("/predict#x", "/\xff\xfe", "/proc/self/environ", "/.mlnb/local/endpoints/late.json"),
]


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere_else(endpoint: Open, path: str) -> None:
    token = f"Authorization: Bearer {endpoint.token}\r\n".encode()
    for method in (b"GET", b"POST", b"PUT"):
        head = method + b" " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\n"
        answer = endpoint.raw(head + b"Content-Length: 0\r\n" + token + b"\r\n")
        status = int(answer.split(b" ")[1]) if answer else 400
        text = answer.decode("latin-1")
        echoed = text.replace(path[:200], "").replace(json.dumps(path[:200])[1:-1], "")
        assert status in (200, 400, 404, 405, 414, 431), (method, answer)
        assert "root:" not in text
        assert "secret" not in text
        harmless(endpoint, status, echoed if status != 200 else "", path)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n" * 1000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"a" * 100_000 + b": b\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    ],
)
def test_what_is_no_request_harms_nobody(endpoint: Open, sent: bytes) -> None:
    answer = endpoint.raw(sent, 2)
    if answer:
        status = int(answer.split(b" ")[1])
        harmless(
            endpoint, status if status not in (501, 505) else 400, answer.decode("latin-1"), sent
        )


async def _crowd(endpoint: Open, size: int, rows: int) -> list[tuple[int, str]]:
    """Let many clients finish their requests at once; each one's status, and when to ask again."""
    body = json.dumps({"rows": [ROW] * rows}).encode()
    head = f"POST /predict HTTP/1.1\r\nAuthorization: Bearer {endpoint.token}\r\n"
    sent = head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    lines = []
    for _ in range(size):
        lines.append(await asyncio.open_connection(endpoint.host, endpoint.port))
    for _, writer in lines:
        writer.write(sent[:-1])
        await writer.drain()
    for _, writer in lines:
        writer.write(sent[-1:])

    async def answer(line: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> tuple[int, str]:
        reader, writer = line
        answered = (await reader.readuntil(b"\r\n\r\n")).decode()
        again = re.search(r"retry-after: (\S+)", answered, re.I)
        writer.close()
        return int(answered.split()[1]), again[1] if again else ""

    return await asyncio.gather(*map(answer, lines))


def test_what_cannot_wait_is_told_to_come_again(endpoint: Open) -> None:
    """1,024 requests may wait; of a larger crowd the rest hears 429, and nobody hears nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    with ThreadPoolExecutor(1) as thread:  # playwright has left a loop running in this one
        asked = thread.submit(lambda: asyncio.run(_crowd(endpoint, 1500, 1000)))
        heard = Counter(asked.result())
    print(f"\n{heard}")
    assert {*heard} == {(200, ""), (429, "1")}
    assert heard[(200, "")] >= 1024
    endpoint.well()


def test_a_client_of_the_open_inference_protocol(endpoint: Open) -> None:
    """Triton's own client, which sends tensors as bytes unless it is told not to."""
    import tritonclient.http as triton

    frame = pd.DataFrame([ROW, {**ROW, "hour": 3, "carrier": "ü"}])
    client = triton.InferenceServerClient(f"{endpoint.host}:{endpoint.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("late")
    assert client.is_model_ready("late", "1")
    assert client.get_server_metadata(endpoint.headers)["name"] == "mlnb"
    described = client.get_model_metadata("late", headers=endpoint.headers)
    assert [item["name"] for item in described["inputs"]] == list(ROW)
    wanted = models.load("late@1").predict(frame)
    for binary in (True, False):
        inputs = []
        for item in described["inputs"]:
            column = frame[item["name"]].to_numpy()
            array = column.astype(object) if item["datatype"] == "BYTES" else column
            made = triton.InferInput(item["name"], [2, 1], item["datatype"])
            made.set_data_from_numpy(array.reshape(2, 1), binary_data=binary)
            inputs.append(made)
        outputs = [triton.InferRequestedOutput("prediction", binary_data=binary)]
        for asked in (outputs, None):
            answer = client.infer(
                "late", inputs, outputs=asked, headers=endpoint.headers, request_id="7"
            )
            assert np.array_equal(answer.as_numpy("prediction"), wanted)
            assert answer.get_response()["id"] == "7"
    with pytest.raises(triton.InferenceServerException, match="no route"):
        client.get_model_metadata("other", headers=endpoint.headers)
    client.close()
