"""Installed each of the three ways, the operator does its one job with its own ServiceAccount and nothing more, is
upgraded, restarted, taken out and put back, and starts each blob once throughout."""

from installation import READY_WITHIN


def test_it_is_ready_within_three_seconds_of_its_containers_start(way, operator):
    # Whole seconds on both sides: a difference of 2 is surely less than 3.
    assert operator.seconds_to_ready() < READY_WITHIN


def test_it_may_do_its_work_and_nothing_more(way, operator):
    may = {"get secrets", "create jobs.batch", "watch azureblobwatchers.mlops.example.com"}
    may_not = {"list secrets", "create secrets", "create pods", "create azureblobwatchers.mlops.example.com",
               "update azureblobwatchers.mlops.example.com", "delete azureblobwatchers.mlops.example.com",
               "create rolebindings.rbac.authorization.k8s.io", "create clusterrolebindings.rbac.authorization.k8s.io",
               "create serviceaccounts/token", "impersonate users", "impersonate groups", "get nodes", "get configmaps",
               "create deployments.apps", "create cronjobs.batch", "delete namespaces"}
    asked = {what: operator.may(*what.split()) for what in may | may_not}
    assert {what for what, granted in asked.items() if granted} == may

    pod = operator.pods()[0]["spec"]
    container = pod["containers"][0]["securityContext"]
    assert container["readOnlyRootFilesystem"] and not container["allowPrivilegeEscalation"]
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert {**pod["securityContext"], **container}["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any(pod.get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))
    assert [volume for volume in pod["volumes"] if "projected" not in volume] == []


def test_each_blob_once_through_upgrade_restart_uninstall_and_reinstall(way, operator, tenant):
    tenant.moves_in()
    tenant.uploads("installed.csv")
    tenant.sees_every_blob_once()
    assert operator.has_told("installed.csv")

    before = operator.uids()
    way.upgrade()
    operator.rolled_out()
    assert not before & operator.uids(), "the upgrade left an old Pod"
    tenant.uploads("upgraded.csv")
    tenant.sees_every_blob_once()
    assert operator.has_told("upgraded.csv") and not operator.has_told("installed.csv")

    operator.is_killed()
    tenant.uploads("killed.csv")
    operator.rolled_out()
    tenant.sees_every_blob_once()

    uid = tenant.stored()["metadata"]["uid"]
    way.uninstall()
    operator.is_gone()
    kept = tenant.stored()
    assert kept["metadata"]["uid"] == uid and kept["status"]["checkpoint"]
    assert kept["status"]["triggered"] == len(tenant.uploaded)
    assert tenant.made() == sorted(tenant.uploaded), "Jobs went with the operator"

    tenant.uploads("away.csv")
    way.install()
    operator.rolled_out()
    tenant.sees_every_blob_once()
    # One more, so that a poll after the first has come to its end without an old blob in a second Job.
    tenant.uploads("back.csv")
    tenant.sees_every_blob_once()
    tenant.moves_out()
