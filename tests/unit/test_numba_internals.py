"""What `greedyrank.kernels.numba_cache` uses of numba beyond its public interface: what an upgrade changes is named."""

import inspect

import numba
import pytest
from numba.core import caching

from greedyrank.kernels import numba_cache

CHANGED = f"numba {numba.__version__} has changed: adapt greedyrank.kernels.numba_cache, which relies on"


def doubled(x):
    return 2 * x


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """Numba's own index of the compiled forms of one function."""
    return caching.IndexDataCacheFile(str(tmp_path_factory.mktemp("cache")), "doubled", "stamp")


@pytest.mark.parametrize("name", ["IndexDataCacheFile", "FunctionCache"])
def test_the_classes_are_there(name):
    assert isinstance(getattr(caching, name, None), type), f"{CHANGED} numba.core.caching.{name}"


def test_the_index_is_made_of_a_folder_a_name_and_a_stamp():
    parameters = list(inspect.signature(caching.IndexDataCacheFile.__init__).parameters)
    assert parameters == ["self", "cache_path", "filename_base", "source_stamp"], (
        f"{CHANGED} the arguments of IndexDataCacheFile"
    )


@pytest.mark.parametrize(("name", "value"), [("_cache_path", None), ("_source_stamp", "stamp"), ("_version", None)])
def test_the_index_keeps_what_identifies_compiled_code(entries, name, value):
    assert name in vars(entries), f"{CHANGED} the attribute {name} of IndexDataCacheFile"
    if value is not None:
        assert vars(entries)[name] == value, f"{CHANGED} what {name} of IndexDataCacheFile holds"


@pytest.mark.parametrize(
    ("name", "parameters"), [("load", ["self", "key"]), ("save", ["self", "key", "data"]), ("_dump", ["self", "obj"])]
)
def test_the_methods_of_the_index_are_there(name, parameters):
    method = getattr(caching.IndexDataCacheFile, name, None)
    assert callable(method), f"{CHANGED} the method {name} of IndexDataCacheFile"
    assert list(inspect.signature(method).parameters) == parameters, f"{CHANGED} the arguments of {name}"


def test_what_the_index_dumps_is_bytes(entries):
    assert isinstance(entries._dump({"a": 1}), bytes), f"{CHANGED} bytes from IndexDataCacheFile._dump"


@pytest.mark.parametrize(
    "path", ["_impl", "_impl.filename_base", "_impl.locator.get_cache_path", "_impl.locator.get_source_stamp"]
)
def test_a_function_s_cache_knows_where_it_is(path):
    found = caching.FunctionCache(doubled)
    for name in path.split("."):
        assert hasattr(found, name), f"{CHANGED} {path} of FunctionCache"
        found = getattr(found, name)


def test_a_function_s_cache_reads_and_writes_through_its_index():
    assert isinstance(vars(caching.FunctionCache(doubled)).get("_cache_file"), caching.IndexDataCacheFile), (
        f"{CHANGED} the attribute _cache_file of FunctionCache"
    )


def test_a_compiled_function_asks_its_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    calls = []
    for name in ("load", "save"):
        method = getattr(numba_cache._Entries, name)
        monkeypatch.setattr(
            numba_cache._Entries, name, lambda *args, method=method, name=name: (calls.append(name), method(*args))[1]
        )

    def tripled(x):
        return 3 * x

    assert hasattr(numba.njit(tripled), "_cache"), f"{CHANGED} the attribute _cache of compiled functions"
    assert numba_cache.compiled(tripled, "test")(2.0) == 6.0
    assert calls == ["load", "save"], f"{CHANGED} a compiled function's looking into its _cache before it compiles"
