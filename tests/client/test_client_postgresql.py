"""examples/postgresql.sql on a real PostgreSQL, where there is one: several sessions at once, duplicates, any order."""

import contextlib
import os
import pwd
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SQL = Path(__file__).resolve().parents[2] / "examples" / "postgresql.sql"
TOTAL = 120
SESSIONS = 3


def programs() -> Path:
    """Return the folder of the server's programs; skip where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found or shutil.which("psql") is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


def owner() -> str | None:
    """Return who may run a server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    pytest.skip("there is no user postgres, and root may not run a PostgreSQL server")


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """Start a server that listens on a socket in a folder of its own."""
    bin_, user = programs(), owner()
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # pytest's folder is closed to other users
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"

        def call(*command: str) -> None:
            done = subprocess.run(
                command, user=user, cwd=folder, capture_output=True, text=True, timeout=50, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        call(str(bin_ / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "--no-sync", "--no-instructions")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        call(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield folder
        finally:
            call(str(bin_ / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def socket(server: Path) -> Path:
    """Return the server's socket; the tables are made anew."""
    ask(server, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    subprocess.run(psql(server, "-f", str(SQL)), check=True)
    return server


def psql(socket: Path, *more: str) -> list[str]:
    return ["psql", "-h", str(socket), "-U", "tester", "-d", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1", *more]


def ask(socket: Path, question: str) -> str:
    return subprocess.run(psql(socket, "-c", question), capture_output=True, text=True, check=True).stdout.strip()


def script(seed: int) -> str:
    """Return a session that takes every verdict, many of them twice, in an order of its own."""
    draw = random.Random(seed)
    numbers = list(range(1, TOTAL + 1)) + draw.choices(range(1, TOTAL + 1), k=TOTAL // 2)
    draw.shuffle(numbers)
    take = "SELECT is_new, upto FROM station_take('0815', 'vs-03', 'e-1', {0}, 'id-{0}', '\\x7b7d', '[]');"
    effect = "INSERT INTO effect SELECT {0} WHERE :'is_new';"
    return "\n".join(f"BEGIN; {take[:-1]} \\gset\n{effect} COMMIT; SELECT :'is_new', :upto;".format(n) for n in numbers)


@pytest.mark.timeout(120)
def test_several_sessions_take_each_verdict_once_and_agree_on_the_prefix(socket: Path) -> None:
    ask(socket, "CREATE TABLE effect (seq bigint)")
    sessions = [
        subprocess.Popen(psql(socket), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(SESSIONS)
    ]
    for seed, session in enumerate(sessions):
        assert session.stdin is not None
        session.stdin.write(script(seed))
        session.stdin.close()
    said = []
    for session in sessions:
        assert session.stdout is not None
        with session.stdout as lines:
            said.append([line.strip().split("|") for line in lines])
        assert session.wait(60) == 0
    for answers in said:
        prefixes = [int(upto) for _, upto in answers]
        assert prefixes == sorted(prefixes)
        assert len(prefixes) == TOTAL + TOTAL // 2
    assert sum(new == "t" for answers in said for new, _ in answers) == TOTAL
    assert max(int(upto) for answers in said for _, upto in answers) == TOTAL
    assert ask(socket, "SELECT count(*), count(DISTINCT seq) FROM station_verdict") == f"{TOTAL}|{TOTAL}"
    assert ask(socket, "SELECT count(*), count(DISTINCT seq) FROM effect") == f"{TOTAL}|{TOTAL}"
    assert ask(socket, "SELECT upto, highest FROM station_prefix") == f"{TOTAL}|{TOTAL}"


@pytest.mark.timeout(120)
def test_a_gap_holds_the_prefix_and_deleted_rows_are_not_taken_again(socket: Path) -> None:
    question = "SELECT is_new, upto FROM station_take('0815', 'vs-03', 'e-1', {}, 'i', '', '[]')"

    def take(seq: int) -> str:
        return ask(socket, question.format(seq))

    assert [take(1), take(3), take(3)] == ["t|1", "t|1", "f|1"]
    assert ask(socket, "SELECT upto, highest FROM station_prefix") == "1|3"
    assert take(2) == "t|3"
    ask(socket, "DELETE FROM station_verdict")
    assert [take(2), take(4)] == ["f|3", "t|4"]
