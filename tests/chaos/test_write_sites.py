"""scripts/check-write-sites.py finds a write however it is spelled: what it overlooks is killed by no test."""

import importlib.util

import pytest

from testing.paths import ROOT

from kill_points import KILL_POINTS

LOADED = importlib.util.spec_from_file_location("check_write_sites", ROOT / "scripts/check-write-sites.py")
script = importlib.util.module_from_spec(LOADED)
LOADED.loader.exec_module(script)

SPELLINGS = [
    "co_await client_.create(path, object);", "co_await api.create(path, object);", "co_await (*client).create(path, object);",
    "co_await clients[0]->replace(path, object);", "co_await services.kube\n      .remove(path);", "co_await api->\n json_patch (path, p);",
    "co_await client_of(\n    it).merge_patch(\n  path, p);", "co_await x. /* the API server */ remove(path);",
    "char c = '\"'; co_await api.create(path, object); // \"",
]


def look_at(text: str, name: str = "controllers/new.cc"):
    sites: dict = {}
    return script.look_at(name, text, sites, set()), sites


@pytest.mark.parametrize("call", SPELLINGS)
def test_a_write_is_found_however_it_is_spelled(call):
    wrong, _ = look_at(f"// Far above.\n{call}\n")
    assert len(wrong) == 1 and "without `// write site: NAME` above it" in wrong[0]
    wrong, sites = look_at(f"void f() {{\n  // write site: new-one\n  {call}\n}}\n")
    assert (wrong, [*sites]) == ([], ["new-one"])


def test_what_is_no_write_is_none():
    for text in ("// client.create(x)", '"client.create(x)"', "/* a\n client.create(x) */", "client.get(path);", "created(x);",
                 "std::ranges::replace(text, a, b);", "int f(int n = 60\'000);"):
        assert look_at(text) == ([], {})


def test_a_name_stands_for_one_write():
    wrong, _ = look_at("// write site: a\nx.create(p);\nx.remove(p);\n")
    assert len(wrong) == 1 and "stands at controllers/new.cc:2 already" in wrong[0]


@pytest.mark.parametrize("text, name", [
    ('request.method = "POST";', "controllers/new.cc"), ('auto m = "DELETE";', "main.cc"),
    ("auto write = &kube::Client::create;", "controllers/new.cc"), ("std::bind(&Client::remove, &client)", "src/kube/new.cc"),
    ('Task<R> Client::evict(S p) { return write("create", "POST", p); }', script.CLIENT),
    ("Task<R> Client::evict(S p) { return create(p, {}); }", script.CLIENT),
])
def test_there_is_no_way_round_the_writing_methods(text, name):
    assert len(look_at(text, name)[0]) == 1


def test_it_looks_at_all_of_the_program():
    names = {str(file.relative_to(ROOT)) for file in script.sources()}
    assert {"main.cc", script.CLIENT, "controllers/finalizer.cc", "src/kube/lease.cc", "cli/operator_process.cc"} <= names


def test_it_knows_the_kill_points_of_the_tests():
    assert script.kill_points() == {*KILL_POINTS}
    assert script.main() == 0
