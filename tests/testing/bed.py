"""Real Kubernetes for tests: an API server with its controllers, or the same with a node that runs Pods.

    with ApiBed() as bed:                    # as any user; several may run side by side
        bed.kube.create({...})
        Operator(bed.kubeconfig, ...)
    with NodeBed() as bed: ...               # as root; one at a time on a machine

Everything listens on 127.0.0.1 or, for a NodeBed, on the Pods' own bridge. Leaving the block, by whatever way, stops
what was started and restores what was changed; should this process be killed, its children die with it and the next
bed cleans up the rest. With keep=True nothing stops until `scripts/bed down`.
"""

import json
import os
import subprocess
import time
from pathlib import Path

from . import paths, pki, teardown
from .kube import Kube
from .ports import free_port
from .processes import Lock, Process, Run, processes_of

SERVICE_RANGE = "10.96.0.0/16"
SERVICE_IP = "10.96.0.1"
ALL_RULES = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]

# Who created what, with the object: what a judge of exactly-once reads. The rest stays out of the log.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["admin", "system:apiserver"]},
        {"level": "RequestResponse", "verbs": ["create", "update", "patch", "delete"]},
        {"level": "Metadata"},
    ],
}


class BedError(RuntimeError):
    """The bed did not come up; the message ends with the log that says why."""


class ApiBed:
    kind = "api"
    host = "127.0.0.1"
    """Where a service must listen so that this cluster's Pods (had it any) reach it."""
    parts = ["etcd", "kube-apiserver", "kube-controller-manager"]

    def __init__(self, audit: bool | dict = False, keep: bool = False):
        """audit: True for AUDIT_POLICY, or a policy of one's own; see audit_events()."""
        self.audit, self.keep = audit, keep
        self.run: Run | None = None

    # Life

    def __enter__(self) -> "ApiBed":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "ApiBed":
        self.require_parts()
        teardown.clean_up_abandoned(self.kind)
        self.run = Run(self.kind, self.keep)
        try:
            self.prepare()
            self.start_api()
            self.wait_for("kube-apiserver", self.kube.ready)
            self.start_controllers()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        if self.run:
            teardown.tear_down(self.run.folder)

    def require_parts(self) -> None:
        if not (paths.KUBE / "kube").exists():
            raise BedError(f"{paths.KUBE} is missing: run scripts/bootstrap.sh")

    # Where things are

    @property
    def folder(self) -> Path:
        return self.run.folder

    @property
    def logs(self) -> Path:
        return self.run.logs

    @property
    def audit_log(self) -> Path:
        return self.logs / "audit.jsonl"

    def audit_events(self) -> list[dict]:
        """What the API server was asked so far, in order. Written before each answer, so never behind."""
        lines = self.audit_log.read_text().splitlines() if self.audit_log.exists() else []
        return [json.loads(line) for line in lines]

    # Who may do what

    def user_kubeconfig(self, user: str, groups: tuple = (), rules: list | None = None,
                        namespace: str | None = None) -> Path:
        """A kubeconfig with a client certificate; `rules` as in a Role (in one namespace) or ClusterRole."""
        if rules:
            self.grant({"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}, rules, namespace)
        return self.authority.client_kubeconfig(f"user-{user.replace(':', '-')}", self.server, user, groups)

    def service_account_kubeconfig(self, namespace: str, name: str, rules: list | None = None,
                                   cluster: bool = True) -> Path:
        """A kubeconfig with a token of a ServiceAccount, which is made when it does not exist."""
        if not self.kube.find("ServiceAccount", name, namespace):
            self.kube.create({"apiVersion": "v1", "kind": "ServiceAccount",
                              "metadata": {"name": name, "namespace": namespace}})
        if rules:
            self.grant({"kind": "ServiceAccount", "name": name, "namespace": namespace}, rules,
                       None if cluster else namespace)
        return self.authority.kubeconfig(f"sa-{namespace}-{name}", self.server,
                                         {"token": self.service_account_token(namespace, name)})

    def service_account_token(self, namespace: str, name: str, seconds: int = 86400) -> str:
        answer = self.kube.request(
            "POST", self.kube.path("ServiceAccount", namespace, name) + "/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}})
        return answer["status"]["token"]

    def grant(self, subject: dict, rules: list, namespace: str | None = None) -> None:
        """Gives a subject exactly `rules`, in one namespace or everywhere; a second call replaces the first."""
        kind = "Role" if namespace else "ClusterRole"
        metadata = {"name": f"bed-{subject['kind']}-{subject['name']}".lower().replace(":", "-")}
        if namespace:
            metadata["namespace"] = namespace
        group = "rbac.authorization.k8s.io"
        self.kube.apply({"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": rules})
        self.kube.apply({"apiVersion": f"{group}/v1", "kind": f"{kind}Binding", "metadata": metadata,
                         "roleRef": {"apiGroup": group, "kind": kind, "name": metadata["name"]},
                         "subjects": [subject]})

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints for the admin."""
        done = subprocess.run([paths.KUBE / "kubectl", "--kubeconfig", self.kubeconfig, *arguments],
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise BedError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    # Parts

    def prepare(self) -> None:
        self.port = free_port(self.host)
        self.server = f"https://{self.host}:{self.port}"
        self.authority = pki.Authority(self.folder / "pki")
        self.authority.server("apiserver", ["127.0.0.1", SERVICE_IP, self.host], pki.SERVICE_NAMES)
        self.kubeconfig = self.authority.client_kubeconfig("admin", self.server, "admin", ("system:masters",))
        self.authority.client_kubeconfig("controllers", self.server, "system:kube-controller-manager",
                                         ("system:masters",))
        self.kube = Kube.from_kubeconfig(self.kubeconfig)

    def start_api(self) -> None:
        clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.run.spawn("etcd", [
            paths.KUBE / "etcd", "--name=bed", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync",
            f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}", f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=bed={peers}", "--log-level=warn"])
        self.etcd = clients
        self.start_apiserver()

    def start_controllers(self) -> None:
        """After the API server is ready: the controller-manager gives up waiting for it after ten seconds."""
        controllers = self.folder / "pki/controllers.kubeconfig"
        key = self.folder / "pki"
        # As system:masters and with one identity for all controllers, which saves five seconds at the start.
        self.run.spawn("kube-controller-manager", [
            paths.KUBE / "kube-controller-manager", f"--kubeconfig={controllers}",
            f"--authentication-kubeconfig={controllers}", f"--authorization-kubeconfig={controllers}",
            "--bind-address=127.0.0.1", "--secure-port=0", f"--cert-dir={self.folder / 'kcm'}",
            "--use-service-account-credentials=false", f"--service-account-private-key-file={key / 'sa.key'}",
            f"--root-ca-file={key / 'ca.crt'}", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=500",
            f"--cluster-signing-cert-file={key / 'ca.crt'}", f"--cluster-signing-key-file={key / 'ca.key'}"])

    def start_apiserver(self) -> Process:
        key = self.folder / "pki"
        self.apiserver = self.run.spawn("kube-apiserver", [
            paths.KUBE / "kube-apiserver", f"--etcd-servers={self.etcd}",
            f"--bind-address={self.host}", f"--advertise-address={self.host}", f"--secure-port={self.port}",
            f"--tls-cert-file={key / 'apiserver.crt'}", f"--tls-private-key-file={key / 'apiserver.key'}",
            f"--client-ca-file={key / 'ca.crt'}", f"--cert-dir={self.folder / 'apiserver'}",
            "--authorization-mode=Node,RBAC", "--anonymous-auth=false", f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key / 'sa.pub'}", f"--service-account-signing-key-file={key / 'sa.key'}",
            "--allow-privileged=true", "--profiling=false", *self.audit_flags(), *self.node_flags()])
        return self.apiserver

    def audit_flags(self) -> list[str]:
        if not self.audit:
            return []
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps(AUDIT_POLICY if self.audit is True else self.audit))
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}",
                "--audit-log-mode=blocking-strict", "--audit-log-maxsize=4096"]

    def node_flags(self) -> list[str]:
        return []

    def wait_ready(self) -> None:
        self.wait_for("kube-controller-manager",
                      lambda: self.kube.find("ServiceAccount", "default", "default") is not None)

    def restart_apiserver(self, away: float = 0) -> None:
        """Kills the API server, leaves it away for some seconds, and starts it again on the same port."""
        self.apiserver.stop(0)
        time.sleep(away)
        self.start_apiserver()
        self.wait_for("kube-apiserver", self.kube.ready)

    def wait_for(self, part: str, ready, timeout: float = 60) -> None:
        """Waits for a part; says at once, with its log, when a process of ours has ended."""
        end = time.monotonic() + timeout
        while not ready():
            if dead := self.dead():
                raise BedError(f"{dead} ended while the bed started\n{self.run.log_tail(dead)}")
            if time.monotonic() > end:
                raise BedError(f"{part} not ready within {timeout:g} s\n{self.run.log_tail(part)}")
            time.sleep(0.05)

    def dead(self) -> str | None:
        latest = {process.name: process for process in processes_of(self.run.state)}
        return next((name for name in self.parts if name in latest and not latest[name].alive()), None)


class NodeBed(ApiBed):
    """A real one-node cluster. Pods get addresses on a bridge of their own and reach only this machine."""

    kind = "node"
    bridge = "abo-bed0"
    subnet = "10.244.0.0/24"
    host = "10.244.0.1"
    node = "bed"
    parts = [*ApiBed.parts, "kube-scheduler", "containerd", "kubelet"]

    def __init__(self, audit: bool | dict = False, keep: bool = False):
        super().__init__(audit, keep)
        self.lock = Lock("node-bed")

    def require_parts(self) -> None:
        super().require_parts()
        if reason := why_no_node():
            raise BedError(reason)
        if not self.lock.try_take():
            raise BedError("another one-node cluster is up on this machine: see scripts/bed")
        for folder in teardown.runs():
            state = json.loads((folder / "state.json").read_text())
            if state["kind"] == "node" and state["keep"]:
                raise BedError(f"the one-node cluster in {folder} is still up: scripts/bed down stops it")

    def stop(self) -> None:
        super().stop()
        self.lock.release()

    def prepare(self) -> None:
        self.remember_machine()
        self.make_bridge()
        super().prepare()
        self.authority.server("kubelet-server", [self.host], [self.node])
        self.authority.client("kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",))
        self.authority.client_kubeconfig("node", self.server, f"system:node:{self.node}", ("system:nodes",))
        self.authority.client_kubeconfig("scheduler", self.server, "system:kube-scheduler")
        self.redirect_service()

    # The kubelet and the bridge plugin set these; teardown sets them back.
    SYSCTLS = ["net/ipv4/ip_forward", "kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory",
               "vm/panic_on_oom", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]

    def remember_machine(self) -> None:
        files = {name: Path("/proc/sys", name) for name in self.SYSCTLS}
        self.run.state["sysctls"] = {name: file.read_text().strip() for name, file in files.items() if file.exists()}
        cgroups = [Path("/sys/fs/cgroup/kubepods")] + [
            controller / "kubepods" for controller in Path("/sys/fs/cgroup").iterdir() if controller.is_dir()]
        self.run.state["cgroups"] = [str(cgroup) for cgroup in cgroups if not cgroup.exists()]
        self.run.save()

    def make_bridge(self) -> None:
        taken = run("ip", "-4", "-oneline", "address", "show", "to", self.subnet).strip()
        if taken:
            raise BedError(f"the Pods' network {self.subnet} is in use on this machine: {taken}")
        self.run.state["bridge"] = self.bridge
        self.run.save()
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "address", "add", f"{self.host}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")

    def redirect_service(self) -> None:
        """Stands in for kube-proxy: Pods reach the API at its Service address. And nobody from outside reaches us."""
        target = ["--destination", SERVICE_IP, "--protocol", "tcp", "--dport", "443",
                  "--jump", "DNAT", "--to-destination", f"{self.host}:{self.port}"]
        self.iptables("nat", "PREROUTING", target)
        self.iptables("nat", "OUTPUT", target)
        # Of two rules put on top the later one stands first: what is neither local nor from a Pod is dropped.
        for interface in (["--in-interface", self.bridge, "--jump", "ACCEPT"], ["--in-interface", "lo", "--jump", "ACCEPT"]):
            self.iptables("filter", "INPUT", ["--destination", self.host, *interface])
        self.iptables("filter", "INPUT", ["--destination", self.host, "--jump", "DROP"], position=3)

    def iptables(self, table: str, chain: str, rule: list, position: int = 1) -> None:
        self.run.state["iptables"].append(["--table", table, "--delete", chain, *rule])
        self.run.save()
        run("iptables", "--table", table, "--insert", chain, str(position), *rule)

    def start_api(self) -> None:
        self.start_containerd()
        super().start_api()

    def start_controllers(self) -> None:
        super().start_controllers()
        scheduler = self.folder / "pki/scheduler.kubeconfig"
        self.run.spawn("kube-scheduler", [
            paths.KUBE / "kube-scheduler", f"--kubeconfig={scheduler}", f"--authentication-kubeconfig={scheduler}",
            f"--authorization-kubeconfig={scheduler}", "--bind-address=127.0.0.1", "--secure-port=0",
            f"--cert-dir={self.folder / 'scheduler'}", "--leader-elect=false"])

    def node_flags(self) -> list[str]:
        key = self.folder / "pki"
        # InternalIP: logs and exec would otherwise try to resolve the node's name.
        return [f"--kubelet-client-certificate={key / 'kubelet-client.crt'}",
                f"--kubelet-client-key={key / 'kubelet-client.key'}", f"--kubelet-certificate-authority={key / 'ca.crt'}",
                "--kubelet-preferred-address-types=InternalIP"]

    def wait_ready(self) -> None:
        self.wait_for("containerd", lambda: self.ctr("version", check=False) != "")
        have = self.ctr("images", "list", "--quiet").split()
        for image in sorted(paths.IMAGES.glob("*.tar")):
            if f"lab.local/{image.stem}:1" not in have:
                self.ctr("images", "import", str(image))
        self.start_kubelet()
        super().wait_ready()
        self.wait_for("kubelet", self.node_ready)

    def node_ready(self) -> bool:
        node = self.kube.find("Node", self.node) or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)

    def start_containerd(self) -> None:
        paths.CONTAINERD_ROOT.mkdir(parents=True, exist_ok=True)
        network = self.folder / "cni"
        network.mkdir()
        (network / "10-bed.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "bed", "plugins": [{
                "type": "bridge", "bridge": self.bridge, "isGateway": True, "ipMasq": False, "hairpinMode": True,
                "ipam": {"type": "host-local", "dataDir": str(self.folder / "addresses"),
                         "ranges": [[{"subnet": self.subnet, "gateway": self.host}]],
                         "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD_TOML.format(root=paths.CONTAINERD_ROOT, folder=self.folder))
        self.run.spawn("containerd", ["containerd", "--config", config])

    def ctr(self, *arguments: str, check: bool = True, timeout: float = 60) -> str:
        return run("ctr", "--address", str(self.folder / "containerd.sock"), "--namespace", "k8s.io", *arguments,
                   check=check, timeout=timeout)

    def start_kubelet(self) -> None:
        key = self.folder / "pki"
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": self.host, "port": free_port(self.host), "healthzPort": 0,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": str(key / "ca.crt")}},
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(key / "kubelet-server.crt"), "tlsPrivateKeyFile": str(key / "kubelet-server.key"),
            "containerRuntimeEndpoint": f"unix://{self.folder / 'containerd.sock'}",
            "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
            "podLogsDir": str(self.folder / "pods"), "volumePluginDir": str(self.folder / "volume-plugins"),
            "resolvConf": "/etc/resolv.conf", "clusterDomain": "cluster.local", "serializeImagePulls": False,
            "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            "evictionHard": {"memory.available": "200Mi", "nodefs.available": "1%", "imagefs.available": "1%",
                             "nodefs.inodesFree": "1%"},
            "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s",
            # Machines without CAP_SYS_RESOURCE may lower neither this nor the limit of open files.
            "oomScoreAdj": 0, "maxOpenFiles": 20000,
            "makeIPTablesUtilChains": False}))
        self.run.spawn("kubelet", [
            paths.KUBE / "kubelet", f"--config={config}", f"--kubeconfig={key / 'node.kubeconfig'}",
            f"--hostname-override={self.node}", f"--node-ip={self.host}", f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet-certs'}"])


# restrict_oom_score_adj: without CAP_SYS_RESOURCE every Pod would die with "can't get final child's PID from pipe".
CONTAINERD_TOML = """\
version = 2
root = "{root}"
state = "{folder}/containerd-state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "lab.local/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{folder}/runc"
"""


def run(*command: str, check: bool = True, timeout: float = 60) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise BedError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout if done.returncode == 0 else ""


def why_no_node() -> str | None:
    """Why this machine cannot run real Pods now; None when it can."""
    if os.geteuid() != 0:
        return "real Pods need root, and this is not"
    missing = [tool for tool in ("containerd", "ctr", "runc", "iptables", "ip") if not find_tool(tool)]
    if missing:
        return f"{', '.join(missing)} missing: run scripts/bootstrap.sh node"
    if not (paths.IMAGES / ".complete").exists():
        return f"{paths.IMAGES} is missing: run scripts/bootstrap.sh node"
    return None


def find_tool(name: str) -> bool:
    return any((Path(folder) / name).exists() for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"])
