#!/usr/bin/env bash
# `make deploy` and `make undeploy`: the operator into the cluster of the current kubectl context and out of it again.
#
#   scripts/deploy.sh deploy|undeploy KUBECTL [IMAGE]
#
# undeploy leaves the CustomResourceDefinition, every watcher, what they created, and the namespace.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

manifest=config/deployment.yaml
namespace=azure-blob-operator
name=azure-blob-operator
# The instance too: a Helm release of another name has cluster roles of its own.
label=app.kubernetes.io/name=$name,app.kubernetes.io/instance=$name
rbac=rbac.authorization.k8s.io
finalizer=mlops.example.com/recording
verb=$1 kubectl=$2 image=${3:-}

deploy() {
  sed "${image:+s#^\( *image: \).*#\1\"$image\"#}" $manifest | "$kubectl" apply -f -
  "$kubectl" -n $namespace rollout status deployment/$name --timeout=120s
}

# Resources that the operator has created and not yet recorded, one a line: of the kinds that its flags name.
# Whatever keeps it from looking ends it: not to have seen one is not to know that there is none.
unrecorded() {
  local kind listed
  for kind in "$@"; do
    if ! listed=$("$kubectl" get "$kind" -A -l mlops.example.com/watcher --no-headers \
      -o custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name,F:.metadata.finalizers 2>&1); then
      # A kind that the cluster does not have has none.
      [[ $listed == *"the server doesn't have a resource type"* ]] && continue
      die "cannot see what waits to be recorded: $listed"
    fi
    awk -v finalizer=$finalizer 'index($0, finalizer) { print "  " $1, $2 "/" $3 }' <<<"$listed"
  done
}

# What the Deployment's --allowed-kind name, as kubectl writes it: "batch/v1 Job" is job.v1.batch, a kind of any version has
# none in the middle, and "*" is every kind of its group, or of all. Without the Deployment: what the manifest's would.
kinds() {
  local args group kind
  args=$("$kubectl" -n $namespace get deployment/$name --ignore-not-found \
    -o jsonpath='{range .spec.template.spec.containers[0].args[*]}{@}{"\n"}{end}') || return
  [ -n "$args" ] || args=$(sed -n 's/^ *- "\(--allowed-kind=.*\)"$/\1/p' $manifest)
  sed -n 's/^--allowed-kind=//p' <<<"$args" | while read -r group kind; do
    case "$group $kind" in
      '* ') "$kubectl" api-resources --namespaced --verbs=list -o name ;;
      v[0-9]*' *') "$kubectl" api-resources --namespaced --verbs=list -o name --api-group= ;;
      *' *') "$kubectl" api-resources --namespaced --verbs=list -o name --api-group="${group%%/*}" ;;
      */*) echo "$kind.${group#*/}.${group%%/*}" ;;
      v[0-9]*) echo "$kind.$group." ;;
      *) echo "$kind.$group" ;;
    esac || return
  done
}

# May be run again after it was cut short.
undeploy() {
  local running all kinds pending left
  running=$("$kubectl" -n $namespace get deployment/$name --ignore-not-found -o jsonpath='{.status.readyReplicas}') || exit
  all=$(kinds) || exit
  mapfile -t kinds <<<"$all"
  # The operator lets go of what it created once that is recorded, 20 s after at the latest: while it runs.
  SECONDS=0
  pending=$(unrecorded "${kinds[@]}") || exit
  while [ -n "$running" ] && [ -n "$pending" ] && [ $SECONDS -lt 60 ]; do
    say "waiting until the operator has recorded what it created"
    sleep 3
    pending=$(unrecorded "${kinds[@]}") || exit
  done
  "$kubectl" -n $namespace delete deployment/$name --ignore-not-found --cascade=foreground --wait --timeout=60s
  left=$(unrecorded "${kinds[@]}") || exit
  # The rest by its labels, but never the namespace or the CustomResourceDefinition.
  "$kubectl" delete -n $namespace --ignore-not-found -l "$label" service,serviceaccount,poddisruptionbudget,role.$rbac,rolebinding.$rbac
  "$kubectl" delete --ignore-not-found -l "$label" clusterrole.$rbac,clusterrolebinding.$rbac
  say "kept: the CustomResourceDefinition, all watchers, what they created, the namespace $namespace"
  [ -z "$left" ] && return 0
  say "created in the last moments and not recorded; these cannot be deleted until the operator runs again, which"
  say "records them, or until you take off the finalizer $finalizer by hand:"
  echo "$left"
}

case $verb in
  deploy | undeploy) "$verb" ;;
  *) die "deploy or undeploy" ;;
esac
