"""Reading a home's set from disk."""

import shutil

import pytest

from gateway.errors import ConfigError
from gateway.policy.load import load_home
from tests.unit.policy.builders import REPOSITORY


@pytest.fixture
def home(tmp_path):
    """A home with the default set."""
    shutil.copytree(REPOSITORY / "policies", tmp_path / "policies")
    shutil.copytree(REPOSITORY / "partners", tmp_path / "partners")
    return tmp_path


def load(home):
    """The set of a home."""
    return load_home(home / "policies", home / "partners", home_territory="CN")


def test_a_home_loads_from_disk(home, monkeypatch):
    """Manifests and key files are found, also where the folders are given relatively."""
    monkeypatch.chdir(home)
    loaded = load(home.relative_to(home))
    assert loaded.policy.digest == load(home).policy.digest
    keys = loaded.policy.partners["swift-parcel"].keys
    assert keys == str((home / "partners" / "keys" / "swift-parcel.jwks.json").resolve())


def test_hidden_and_other_files_are_left_alone(home):
    """What an editor or a mount leaves behind is no manifest."""
    before = load(home).policy.digest
    (home / "partners" / ".swift-parcel.yaml").write_text("half")
    (home / "partners" / "README.md").write_text("x")
    (home / "policies" / "notes.txt").write_text("x")
    assert load(home).policy.digest == before


def test_a_manifest_under_another_ending_is_told(home):
    """A manifest that would not be read is not passed over in silence."""
    (home / "partners" / "courier.yml").write_text("partner: courier\n")
    with pytest.raises(ConfigError, match=r"write courier\.yaml"):
        load(home)


def test_a_missing_folder_is_told(home):
    """A home without its policies does not serve."""
    shutil.rmtree(home / "policies")
    with pytest.raises(ConfigError, match="the folder is missing"):
        load(home)


def test_an_unreadable_file_is_told_by_name(home):
    """A file that cannot be read stops the set, with its name."""
    (home / "partners" / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"partners/folder\.yaml:1:1: the file cannot be read"):
        load(home)


def test_a_missing_key_file_is_told(home):
    """A manifest whose key file is gone does not load."""
    (home / "partners" / "keys" / "link-id.jwks.json").unlink()
    with pytest.raises(ConfigError, match=r"partners/link-id\.yaml:\d+:7: the key file cannot be"):
        load(home)


def test_an_ending_in_capitals_is_told_too(home):
    """No manifest is passed over because of how its ending is spelled."""
    (home / "partners" / "swift-parcel.yaml").rename(home / "partners" / "swift-parcel.YAML")
    with pytest.raises(
        ConfigError, match=r"swift-parcel\.YAML:1:1: not read .* swift-parcel\.yaml"
    ):
        load(home)


def test_unreadable_files_hide_no_other_mistake(home):
    """What cannot be read and what is wrong in the rest is told in one go, each thing once."""
    (home / "policies" / "rights.yaml").unlink()
    (home / "policies" / "rights.yaml").mkdir()
    (home / "partners" / "loop.yaml").symlink_to("loop.yaml")
    (home / "partners" / "tabbed.yaml").write_text("partner:\ttabbed\n")
    with pytest.raises(ConfigError) as caught:
        load(home)
    assert [problem.file for problem in caught.value.problems] == [
        "partners/loop.yaml",
        "partners/tabbed.yaml",
        "policies/rights.yaml",
    ]


@pytest.mark.parametrize("path", ["keys/a\\0b.json", "keys", "/nowhere/at/all.json", "k/" * 3000])
def test_a_path_that_leads_nowhere_is_told(home, path):
    """Whatever stands for the path of a key file, it ends in a message."""
    manifest = home / "partners" / "swift-parcel.yaml"
    text = manifest.read_text("utf-8").replace("keys/swift-parcel.jwks.json", f'"{path}"')
    manifest.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"partners/swift-parcel\.yaml:\d+:\d+: "):
        load(home)


@pytest.mark.parametrize(
    "text", ["a: [" + "1," * 300_000 + "1]", "\n".join(f"k{n}: 1" for n in range(60_000))]
)
def test_a_huge_document_is_told_at_once(home, text):
    """No document, however large, keeps whoever checks it waiting."""
    (home / "partners" / "huge.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"partners/huge\.yaml:1:1: the file is larger than"):
        load(home)
