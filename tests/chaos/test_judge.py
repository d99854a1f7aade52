"""A judge that cannot condemn proves nothing: each kind of wrong, made up, is seen."""

import json
from dataclasses import dataclass, replace

from judge import AuditTail, Creation, Watched, judge


@dataclass
class Version:
    name: str
    etag: str
    born: float = 10
    gone: float | None = None


WATCHED = Watched("u", "data", lambda name: name.endswith(".csv"), born=0)
MADE = Creation("uid-1", "ns", "Job", "a", "u", "http://blob/data/a.csv", "a.csv", "0x1", "k1", 0)


def verdict(creations, versions, watched=WATCHED, windows=()):
    return judge(creations, [watched], lambda _: versions, lambda _: windows)


def test_one_creation_for_each_visible_version_is_good():
    assert verdict([MADE], [Version("a.csv", "0x1"), Version("a.txt", "0x2")]).good


def test_a_version_that_is_there_and_was_not_created_is_missed():
    assert len(verdict([], [Version("a.csv", "0x1")]).missed) == 1


def test_a_version_that_went_is_owed_only_if_it_was_there_through_whole_sweeps():
    went = [Version("a.csv", "0x1", born=10, gone=20)]
    assert verdict([], went).good
    assert verdict([], went, windows=[(8, 9, 15), (8, 12, 21), (11, 12, 19)]).good
    assert len(verdict([], went, windows=[(8, 11, 19)]).missed) == 1


def test_a_watcher_that_was_deleted_owes_nothing():
    assert verdict([], [Version("a.csv", "0x1")], replace(WATCHED, gone=30)).good


def test_a_version_is_unjudged_if_it_is_neither_owed_nor_created():
    went = Version("a.csv", "0x1", gone=20)
    assert [version for _, version in verdict([], [went, Version("b.txt", "0x2", gone=20)]).unjudged] == [went]
    assert not verdict([MADE], [went]).unjudged
    assert not verdict([], [went], windows=[(8, 11, 19)]).unjudged
    assert not verdict([], [replace(went, gone=None)]).unjudged


def test_a_second_creation_is_a_duplicate_whatever_its_name_or_key():
    versions = [Version("a.csv", "0x1")]
    assert len(verdict([MADE, replace(MADE, name="b")], versions).duplicate) == 1
    assert len(verdict([MADE, replace(MADE, key="k2")], versions).duplicate) == 1


def test_a_replay_owes_one_more_creation_of_another_key():
    versions, again = [Version("a.csv", "0x1")], replace(MADE, uid="uid-2", key="k2")
    replayed = replace(WATCHED, replays=lambda version: int(version == ("a.csv", "0x1")))
    assert verdict([MADE, again], versions, replayed).good
    assert len(verdict([MADE], versions, replayed).missed) == 1
    assert len(verdict([MADE, replace(again, key="k1")], versions, replayed).duplicate) == 1
    assert len(verdict([MADE, again, replace(MADE, uid="uid-3", key="k3")], versions, replayed).duplicate) == 1


def test_what_nobody_asked_for_is_wrong():
    versions = [Version("a.csv", "0x1"), Version("a.txt", "0x2")]
    for wrong in [replace(MADE, blob="a.txt", etag="0x2", key="k2"), replace(MADE, etag="0x9", key="k2"),
                  replace(MADE, watcher_uid="other", key="k2")]:
        assert len(verdict([MADE, wrong], versions).wrong) == 1


def event(code=201, verb="create", uid="uid-1", query=""):
    said = {f"mlops.example.com/{name}": name for name in ("trigger-key", "watcher-uid", "blob-url", "blob-name", "blob-etag")}
    thing = {"kind": "Job", "metadata": {"name": "a", "namespace": "ns", "annotations": said}}
    patch = [{"op": "test", "path": "/metadata/uid", "value": uid}]
    stored = {**thing, "metadata": {**thing["metadata"], "uid": uid}}
    return {"verb": verb, "stage": "ResponseComplete", "requestURI": f"/apis/batch/v1/namespaces/ns/jobs{query}",
            "objectRef": {"namespace": "ns", "resource": "jobs", "name": "a"}, "responseStatus": {"code": code},
            "requestObject": patch if verb == "patch" else thing,
            "responseObject": stored if code < 300 else {"kind": "Status"}}


def creations(tmp_path, *events) -> list[Creation]:
    log = tmp_path / "audit.jsonl"
    log.write_text("".join(json.dumps(each) + "\n" for each in events))
    tail = AuditTail(log)
    tail.read()
    return tail.creations


def uids(tmp_path, *events) -> list[str]:
    return [made.uid for made in creations(tmp_path, *events)]


def test_only_a_creation_that_was_carried_out_counts(tmp_path):
    assert uids(tmp_path, event()) == ["uid-1"]
    for other in (event(code=409), event(code=504), event(query="?dryRun=All"), event(verb="delete")):
        assert uids(tmp_path, other) == []


def test_an_object_is_counted_once_by_its_uid(tmp_path):
    assert uids(tmp_path, event(), event(code=200, verb="patch"), event(code=504, verb="patch")) == ["uid-1"]
    assert uids(tmp_path, event(), event(uid="uid-2")) == ["uid-1", "uid-2"]


def test_a_creation_whose_answer_was_lost_shows_when_its_finalizer_goes(tmp_path):
    assert uids(tmp_path, event(code=504), event(code=200, verb="patch", uid="uid-2")) == ["uid-2"]
    assert uids(tmp_path, event(code=504), event(code=504, verb="patch", uid="uid-2")) == ["uid-2"]


def test_a_resource_that_does_not_say_what_it_is_for_is_wrong(tmp_path):
    for missing in ("trigger-key", "watcher-uid", "blob-url", "blob-name", "blob-etag"):
        made = event()
        del made["responseObject"]["metadata"]["annotations"][f"mlops.example.com/{missing}"]
        assert len(verdict(creations(tmp_path, made), []).wrong) == 1
    bare = event()
    del bare["responseObject"]["metadata"]["annotations"]
    assert len(verdict(creations(tmp_path, bare), []).wrong) == 1
