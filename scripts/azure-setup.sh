#!/usr/bin/env bash
# Makes what the examples need in Azure: a resource group, a storage account, the containers datasets, models and work, and
# a Kubernetes Secret with a credential. Run it again at any time: what is there already stays as it is.
#
#   scripts/azure-setup.sh --account NAME [OPTIONS]
set -euo pipefail
{ set +x; } 2>/dev/null # a trace would show the key

usage() {
  cat <<'TEXT'
usage: scripts/azure-setup.sh --account NAME [OPTIONS]

  --account NAME           the storage account: 3 to 24 lower-case letters and digits, unique in all of Azure
  --resource-group NAME    (azure-blob-operator)
  --location NAME          (westeurope)
  --containers LIST        (datasets,models,work)
  --namespace NAME         of the Secret (default)
  --secret NAME            (azure-storage-credentials)
  --context NAME           kubectl context (the current one)
  --auth key               the account's key: works for everything
  --auth sas               a SAS that ends after --sas-days (30) days: may list, read, write and delete blobs
  --auth workload-identity no Secret: a managed identity that Pods of --service-account (ml-pipeline) use, on a cluster
                           whose OIDC issuer is --oidc-issuer URL (az aks show ... --query oidcIssuerProfile.issuerUrl)
  --dry-run                check everything and say what would be done, but change nothing
  -h, --help

It needs az (signed in: az login) and, for a Secret, kubectl. No key is ever shown or put on a command line.
TEXT
}

say() { echo "azure-setup: $*"; }
die() {
  echo "azure-setup: $*" >&2
  exit "${2:-1}"
}
wrong() {
  echo "azure-setup: $*; --help lists the options" >&2
  exit 2
}

account='' group=azure-blob-operator location=westeurope containers=datasets,models,work
namespace=default secret=azure-storage-credentials context='' auth=key sas_days=30 dry_run=''
service_account=ml-pipeline oidc_issuer=''

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes && shift && continue ;;
    -h | --help) usage && exit 0 ;;
    --account | --resource-group | --location | --containers | --namespace | --secret | --context | --auth | --sas-days | \
      --service-account | --oidc-issuer)
      [ $# -ge 2 ] && [[ $2 != -* ]] || wrong "$1 needs a value"
      ;;
    *) wrong "unknown option $1" ;;
  esac
  case $1 in
    --account) account=$2 ;;
    --resource-group) group=$2 ;;
    --location) location=$2 ;;
    --containers) containers=$2 ;;
    --namespace) namespace=$2 ;;
    --secret) secret=$2 ;;
    --context) context=$2 ;;
    --auth) auth=$2 ;;
    --sas-days) sas_days=$2 ;;
    --service-account) service_account=$2 ;;
    --oidc-issuer) oidc_issuer=$2 ;;
  esac
  shift 2
done

# matches TEXT PATTERN: ASCII, whatever the language of the machine.
matches() {
  local LC_ALL=C
  [[ $1 =~ $2 ]]
}
label='^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'                                 # of DNS, as Kubernetes names most things
dots='^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

matches "$account" '^[a-z0-9]{3,24}$' || wrong "--account must be 3 to 24 lower-case letters and digits, got '$account'"
matches "$group" '^[-A-Za-z0-9_.()]{1,90}$' && [[ $group != *. ]] ||
  wrong "--resource-group must be up to 90 letters, digits and any of -_.() without a dot at the end, got '$group'"
matches "$location" '^[A-Za-z0-9 ]+$' || wrong "--location must be a region such as westeurope, got '$location'"
matches "$containers" '^[^,]+(,[^,]+)*$' || wrong "--containers must be names with commas between them, got '$containers'"
IFS=, read -r -d '' -a names < <(printf '%s\0' "$containers")
for name in "${names[@]}"; do
  matches "$name" '^[a-z0-9]+(-[a-z0-9]+)*$' && [ ${#name} -ge 3 ] && [ ${#name} -le 63 ] ||
    wrong "the container '$name' must have 3 to 63 lower-case letters, digits and single '-' between them"
done
matches "$namespace" "$label" || wrong "--namespace must be up to 63 lower-case letters, digits and '-', got '$namespace'"
matches "$secret" "$dots" && [ ${#secret} -le 253 ] ||
  wrong "--secret must be lower-case letters, digits, '-' and '.', got '$secret'"
matches "$auth" '^(key|sas|workload-identity)$' || wrong "--auth is key, sas or workload-identity, got '$auth'"
matches "$sas_days" '^[1-9][0-9]{0,3}$' || wrong "--sas-days must be a number of days from 1 to 9999, got '$sas_days'"
if [ "$auth" = workload-identity ]; then
  [[ $oidc_issuer == https://* ]] || wrong "--auth workload-identity needs --oidc-issuer https://..."
  # Azure's names for what is made from it have no dots, and 120 characters at most.
  matches "$service_account" "$label" && [ $((${#namespace} + ${#service_account})) -lt 120 ] ||
    wrong "--service-account must be up to 63 lower-case letters, digits and '-', got '$service_account'"
fi

secret_key=''
case $auth in
  key) secret_key=accountKey ;;
  sas) secret_key=sasToken ;;
  workload-identity) ;;
esac
for tool in az ${secret_key:+kubectl}; do
  command -v "$tool" >/dev/null || die "$tool is not installed"
done

export AZURE_CORE_ONLY_SHOW_ERRORS=yes
# What somebody has set for another account must not win over the one named here.
unset AZURE_STORAGE_CONNECTION_STRING AZURE_STORAGE_SAS_TOKEN AZURE_STORAGE_AUTH_MODE AZURE_STORAGE_SERVICE_ENDPOINT
subscription=$(az account show --query name --output tsv 2>/dev/null) || die "az is not signed in: run az login"
say "in the subscription $subscription"

# apply_secret KEY [OPTION...]: the value comes by standard input, and never stands in an argument or in a file.
apply_secret() {
  local key=$1
  shift
  "${kube[@]}" create secret generic "$secret" --from-file="$key=/dev/stdin" --dry-run=client --output yaml |
    "${kube[@]}" apply --server-side --force-conflicts --field-manager azure-setup --filename - "$@"
}
# The very call that writes it later, without a value and as a trial, tells whether the cluster answers, has the namespace
# and lets us write; and which keys the Secret would have in the end.
check_secret() {
  local keys
  # shellcheck disable=SC2016  # Go's variables
  keys=$(apply_secret "$secret_key" --dry-run=server --output go-template='{{range $key, $_ := .data}}{{$key}} {{end}}' \
    </dev/null) || die "the Secret $namespace/$secret cannot be written, see kubectl's message"
  [ "$keys" = "$secret_key " ] ||
    die "the Secret $namespace/$secret has keys of somebody else (${keys% }): delete it, or choose another --secret"
}
kube=(kubectl ${context:+--context "$context"} --namespace "$namespace")
[ -z "$secret_key" ] || check_secret

# change WHAT COMMAND...: says what it does, and does it unless --dry-run was given.
change() {
  say "${dry_run:+would }$1"
  shift
  [ -n "$dry_run" ] || "$@"
}
quietly() { "$@" --output none; }

make_account() {
  local there free
  there=$(az storage account list --query "[?name=='$account'].resourceGroup" --output tsv)
  if [ -n "$there" ]; then
    group=$there
    say "the storage account $account is there already, in the resource group $group"
    return
  fi
  free=$(az storage account check-name --name "$account" --query nameAvailable --output tsv)
  [ "$free" = true ] ||
    die "the name $account is taken by somebody else, or in another subscription of yours (az account set): choose another"
  make_group
  change "create the storage account $account" \
    quietly az storage account create --name "$account" --resource-group "$group" --location "$location" \
    --sku Standard_LRS --kind StorageV2 --min-tls-version TLS1_2 --allow-blob-public-access false
}
# Not made anew where it is: Azure refuses that when the location is another.
make_group() {
  local there
  there=$(az group exists --name "$group" --output tsv)
  if [ "$there" = true ]; then
    say "the resource group $group is there already"
    return
  fi
  change "create the resource group $group in $location" quietly az group create --name "$group" --location "$location"
}

load_key() {
  [ -n "$dry_run" ] && return
  account_key=$(az storage account keys list --account-name "$account" --resource-group "$group" \
    --query '[0].value' --output tsv)
  [ -n "$account_key" ] || die "az gave no key of the storage account $account"
}
# The key goes by the environment: arguments are seen by everyone on the machine.
with_key() { AZURE_STORAGE_ACCOUNT=$account AZURE_STORAGE_KEY=$account_key "$@"; }

make_containers() {
  local name
  for name in "${names[@]}"; do
    change "create the container $name, if it is not there" \
      with_key quietly az storage container create --name "$name" --auth-mode key
  done
}

put_key() { printf %s "$account_key" | apply_secret accountKey >/dev/null; }
put_sas() {
  local end sas
  end=$(date -u -d "+$sas_days days" +%Y-%m-%dT%H:%MZ 2>/dev/null || date -u -v "+${sas_days}d" +%Y-%m-%dT%H:%MZ) # GNU, BSD
  sas=$(with_key az storage account generate-sas --services b --resource-types co --permissions rlwcd \
    --expiry "$end" --https-only --output tsv)
  [ -n "$sas" ] || die "az gave no SAS"
  printf %s "$sas" | apply_secret sasToken >/dev/null
  say "the SAS ends at $end; run this again before"
}

make_identity() {
  local identity=$account-$service_account client tenant
  change "create the managed identity $identity, if it is not there" \
    quietly az identity create --name "$identity" --resource-group "$group" --location "$location"
  change "let the ServiceAccount $namespace/$service_account act as it" \
    quietly az identity federated-credential create --name "$namespace-$service_account" --identity-name "$identity" \
    --resource-group "$group" --issuer "$oidc_issuer" --subject "system:serviceaccount:$namespace:$service_account" \
    --audiences api://AzureADTokenExchange
  change "grant it Storage Blob Data Contributor on $account" grant "$identity"
  [ -n "$dry_run" ] && return
  client=$(az identity show --name "$identity" --resource-group "$group" --query clientId --output tsv)
  tenant=$(az account show --query tenantId --output tsv)
  say "in the watcher, instead of credentialsSecret:"
  printf '    identity:\n      type: WorkloadIdentity\n      clientId: %s\n      tenantId: %s\n      serviceAccountName: %s\n' \
    "$client" "$tenant" "$service_account"
  say "for the steps' Pods, once the ServiceAccount is there:"
  printf '    kubectl --namespace %s annotate serviceaccount %s azure.workload.identity/client-id=%s\n' \
    "$namespace" "$service_account" "$client"
}
grant() {
  local principal scope
  principal=$(az identity show --name "$1" --resource-group "$group" --query principalId --output tsv)
  scope=$(az storage account show --name "$account" --resource-group "$group" --query id --output tsv)
  quietly az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal \
    --role "Storage Blob Data Contributor" --scope "$scope"
}

make_account
load_key
make_containers
case $auth in
  key) change "write the account's key into the Secret $namespace/$secret" put_key ;;
  sas) change "write a SAS into the Secret $namespace/$secret" put_sas ;;
  workload-identity) make_identity ;;
esac
say "done${dry_run:+ (nothing was changed)}: account $account, containers ${names[*]}"
