"""Models that come later: installed with hash and signature, refused when anything is wrong, taken back."""

import json
from pathlib import Path

import numpy as np
import pytest

from station import cli, signing_keys
from station.vision import embedding, model_package
from station.vision.interpreter import Embedder, ModelError, Running
from station.vision.model_store import SHIPPED, ModelStore, open_model, try_out

PARTS = {name: (SHIPPED.folder / name).read_bytes() for name in (model_package.NETWORK, model_package.HEAD)}
GOOD = model_package.pack("second", PARTS)
ONE = Running(threads=1)


def damaged_network() -> bytes:
    """A package that is whole by all its hashes, around a network that is not."""
    return model_package.pack("bad", {**PARTS, model_package.NETWORK: PARTS[model_package.NETWORK][:9000] + bytes(90)})


def fine(_folder: Path, _running: Running) -> None:
    """A trial that every model passes, where the trial is not what is tested."""


def test_a_package_is_the_same_bytes_each_time_and_comes_back_whole() -> None:
    contents, parts = model_package.unpack(GOOD, "x")
    assert model_package.pack("second", parts) == GOOD
    assert (contents.name, parts) == ("second", PARTS)


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"", "damaged or no model package"),
        (GOOD[: len(GOOD) // 2], "damaged or no model package"),
        (GOOD.replace(b"TFL3", b"TFL9", 1), "damaged"),
        (model_package.pack("x", {model_package.NETWORK: PARTS[model_package.NETWORK]}), "has no embedding.npz"),
        (model_package.pack("x", {**PARTS, "../out": b""}), "names parts that no model has"),
        (model_package.pack("x", {**PARTS, model_package.NETWORK: b"PK\x03\x04 no network"}), "is no TFLite file"),
    ],
)
def test_a_package_with_anything_wrong_changes_nothing(tmp_path: Path, package: bytes, message: str) -> None:
    store = ModelStore(tmp_path / "models")
    with pytest.raises(ModelError, match=message):
        store.install(package, "x.model", ONE, fine)
    assert store.models() == (SHIPPED,)
    assert not (tmp_path / "models").exists()


def test_a_network_that_does_not_run_is_refused_by_its_trial_and_the_one_in_force_stays(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    first = store.install(GOOD, "a.model", ONE, fine)
    with pytest.raises(ModelError, match=r"bad\.model is refused: .*; the one in force stays"):
        store.install(damaged_network(), "bad.model", ONE)
    assert store.models() == (first, SHIPPED)
    assert store.load(ONE).model == first
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == [first.digest]


def test_the_trial_passes_the_shipped_model_and_names_what_it_refuses(tmp_path: Path) -> None:
    assert try_out(SHIPPED.folder, ONE) is None
    assert "cannot be read" in (try_out(tmp_path, ONE) or "")
    assert "libnothing.so cannot be used" in (try_out(SHIPPED.folder, Running(delegate="libnothing.so")) or "")


def test_a_head_of_another_network_is_refused(tmp_path: Path) -> None:
    for name, content in PARTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "embedder.tflite.sha256").write_bytes((SHIPPED.folder / "embedder.tflite.sha256").read_bytes())
    head = embedding.load()
    arrays = {name: getattr(head, name) for name in embedding.ARRAYS}
    np.savez(tmp_path / model_package.HEAD, model_hash="sha256:0000", **arrays)
    with pytest.raises(ModelError, match="learnt with the model sha256:0000"):
        open_model(tmp_path, ONE)


def test_the_last_good_one_is_used_where_the_one_in_force_is_damaged_on_disk(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    first = store.install(GOOD, "a", ONE, fine)
    second = store.install(model_package.pack("third", PARTS), "b", ONE, fine)
    assert store.load(ONE).problem == ""
    second.network.write_bytes(second.network.read_bytes()[:-1])
    loaded = store.load(ONE)
    assert loaded.model == first
    assert "is damaged: its hash" in loaded.problem
    assert "the model second is used instead" in loaded.problem
    first.head.unlink()
    assert store.load(ONE).model == SHIPPED


def test_a_model_is_rolled_back_to_the_one_before_and_at_last_to_the_shipped_one(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    first = store.install(GOOD, "a", ONE, fine)
    store.install(model_package.pack("third", PARTS), "b", ONE, fine)
    assert store.rollback() == first
    assert store.rollback() == SHIPPED
    with pytest.raises(ModelError, match="there is none before it"):
        store.rollback()


def test_the_oldest_goes_when_there_are_too_many(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    names = [store.install(model_package.pack(f"m{number}", PARTS), "x", ONE, fine).name for number in range(6)]
    assert [model.name for model in store.models()] == [*names[:1:-1], "shipped"]
    assert len([path for path in (tmp_path / "models").iterdir() if path.is_dir()]) == 4


def test_an_accelerator_that_is_absent_is_named_with_the_remedy() -> None:
    with pytest.raises(ModelError, match=r"accelerator libedgetpu\.so\.1 cannot be used: install its library"):
        Embedder(running=Running(delegate="libedgetpu.so.1"))


def test_plain_kernels_have_another_identity_and_nearly_the_same_features(embedder: Embedder) -> None:
    plain = Embedder(running=Running(threads=1, xnnpack=False))
    assert plain.identity == f"{embedder.identity} without XNNPACK"
    crop = np.random.default_rng(1).integers(0, 256, (1, embedder.side_px, embedder.side_px, 3), np.uint8)
    one, other = embedder.embed(crop)[0], plain.embed(crop)[0]
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.98


CONFIGURATION = """
[station]
store = "0815"
id = "vs-03"
state_dir = "{state}"
[mqtt]
host = "localhost"
[trust]
key = "orders.pub"
[vision]
threads = 1
[[scale]]
driver = "toledo-8217"
port = "/dev/null"
capacity_g = 1000
division_g = 1
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a configuration, the orders' key pair, another key, and a package."""
    for name in ("orders", "other"):
        signing_keys.make(tmp_path / f"{name}.pem")
    (tmp_path / "orders.pub").write_text(signing_keys.load_order_key(tmp_path / "orders.pem").public.pem)
    (tmp_path / "station.toml").write_text(CONFIGURATION.format(state=tmp_path / "state"))
    (tmp_path / "new.model").write_bytes(GOOD)
    return tmp_path


def command(shop: Path, *words: str, configured: bool = True) -> int:
    return cli.main(["model", *words, *(("--config", str(shop / "station.toml")) if configured else ())])


def test_a_signed_model_is_installed_listed_and_rolled_back(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(shop / "new.model")
    assert command(shop, "sign", model, "--key", str(shop / "orders.pem"), configured=False) == 0
    assert command(shop, "install", model) == 0
    capsys.readouterr()
    assert command(shop, "list", "--json") == 0
    [first, last] = json.loads(capsys.readouterr().out)["models"]
    assert (first["name"], first["in_force"], last["name"]) == ("second", True, "shipped")
    assert command(shop, "rollback") == 0
    assert ModelStore(shop / "state" / "models").models() == (SHIPPED,)


@pytest.mark.parametrize("case", ["unsigned", "another key", "another file", "no hexadecimal"])
def test_without_the_right_signature_nothing_is_installed(
    shop: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    model = shop / "new.model"
    if case != "unsigned":
        key = "other" if case == "another key" else "orders"
        assert command(shop, "sign", str(model), "--key", str(shop / f"{key}.pem"), configured=False) == 0
    if case == "another file":
        model.write_bytes(model_package.pack("other", PARTS))
    if case == "no hexadecimal":
        (shop / "new.model.sig").write_text("good\n")
    capsys.readouterr()
    assert command(shop, "install", str(model)) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert (
        "sig cannot be read" if case == "unsigned" else "signature" if case != "another key" else "trusted"
    ) in error
    assert ModelStore(shop / "state" / "models").models() == (SHIPPED,)


def test_without_a_trusted_key_no_model_is_installed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (shop / "station.toml").read_text()
    (shop / "station.toml").write_text(text.replace('[trust]\nkey = "orders.pub"', ""))
    (shop / "new.model.sig").write_text("00" * 64 + "\n")
    assert command(shop, "install", str(shop / "new.model")) == 1
    assert "no key is trusted here" in capsys.readouterr().err


def test_the_shipped_model_can_be_packed(tmp_path: Path) -> None:
    assert cli.main(["model", "pack", str(tmp_path / "shipped.model")]) == 0
    assert model_package.unpack((tmp_path / "shipped.model").read_bytes(), "x")[1] == PARTS
