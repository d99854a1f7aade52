#!/usr/bin/env bash
# Makes what the examples need in Azure: a resource group, a storage account, the containers datasets, models and work, and
# a Kubernetes Secret with a credential. Run it again at any time: what is there already stays as it is.
#
#   scripts/azure-setup.sh --account NAME [OPTIONS]
set -euo pipefail

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
  --dry-run                say what would be done, and do nothing
  -h, --help

It needs az (signed in: az login) and kubectl. No key is ever shown or put on a command line.
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
      [ $# -ge 2 ] || wrong "$1 needs a value"
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

[[ $account =~ ^[a-z0-9]{3,24}$ ]] || wrong "--account must be 3 to 24 lower-case letters and digits, got '$account'"
[[ $auth =~ ^(key|sas|workload-identity)$ ]] || wrong "--auth is key, sas or workload-identity, got '$auth'"
[[ $sas_days =~ ^[1-9][0-9]{0,3}$ ]] || wrong "--sas-days must be a number of days, got '$sas_days'"
[[ $auth != workload-identity || $oidc_issuer == https://* ]] || wrong "--auth workload-identity needs --oidc-issuer https://..."
IFS=, read -ra names <<<"$containers"
for name in "${names[@]}"; do
  [[ $name =~ ^[a-z0-9](-?[a-z0-9]){2,62}$ ]] ||
    wrong "the container '$name' must have 3 to 63 lower-case letters, digits and single '-'"
done

for tool in az kubectl; do
  command -v "$tool" >/dev/null || die "$tool is not installed"
done
kube=(kubectl ${context:+--context "$context"} --namespace "$namespace")
az account show --output none 2>/dev/null || die "az is not signed in: run az login"
[ -n "$dry_run" ] || "${kube[@]}" get namespace "$namespace" --output name >/dev/null ||
  die "the cluster cannot be reached, or has no namespace $namespace"

# change WHAT COMMAND...: says what it does, and does it unless --dry-run was given.
change() {
  say "${dry_run:+would }$1"
  shift
  [ -n "$dry_run" ] || "$@"
}
quietly() { "$@" --output none; }

make_account() {
  if [ "$(az storage account list --query "[?name=='$account'] | length(@)" --output tsv)" != 0 ]; then
    say "the storage account $account is there already"
    group=$(az storage account list --query "[?name=='$account'].resourceGroup | [0]" --output tsv)
    return
  fi
  local free
  free=$(az storage account check-name --name "$account" --query nameAvailable --output tsv)
  [ "$free" = true ] || die "the name $account is taken by somebody else's storage account; choose another --account"
  change "create the resource group $group in $location" \
    quietly az group create --name "$group" --location "$location"
  change "create the storage account $account" \
    quietly az storage account create --name "$account" --resource-group "$group" --location "$location" \
    --sku Standard_LRS --kind StorageV2 --min-tls-version TLS1_2 --allow-blob-public-access false
}

# The key goes by the environment: arguments are seen by everyone on the machine.
load_key() {
  [ -n "$dry_run" ] && return
  AZURE_STORAGE_KEY=$(az storage account keys list --account-name "$account" --resource-group "$group" \
    --query '[0].value' --output tsv)
  export AZURE_STORAGE_KEY AZURE_STORAGE_ACCOUNT=$account
}

make_containers() {
  local name
  for name in "${names[@]}"; do
    change "create the container $name, if it is not there" quietly az storage container create --name "$name"
  done
}

# write_secret KEY: the value comes by standard input, and never stands in an argument or in a file.
write_secret() {
  "${kube[@]}" create secret generic "$secret" --from-file="$1=/dev/stdin" --dry-run=client --output yaml |
    "${kube[@]}" apply --server-side --force-conflicts --field-manager azure-setup --filename - >/dev/null
}
put_key() { printf %s "$AZURE_STORAGE_KEY" | write_secret accountKey; }
put_sas() {
  local end
  end=$(date --utc --date "+$sas_days days" +%Y-%m-%dT%H:%MZ)
  az storage account generate-sas --services b --resource-types co --permissions rlwdac --expiry "$end" --https-only \
    --output tsv | tr -d '\n' | write_secret sasToken
  say "the SAS ends at $end; run this again before"
}

make_identity() {
  local identity=$account-$service_account client principal scope
  change "create the managed identity $identity" \
    quietly az identity create --name "$identity" --resource-group "$group" --location "$location"
  change "let the ServiceAccount $namespace/$service_account act as it" \
    quietly az identity federated-credential create --name "$namespace-$service_account" --identity-name "$identity" \
    --resource-group "$group" --issuer "$oidc_issuer" --subject "system:serviceaccount:$namespace:$service_account" \
    --audiences api://AzureADTokenExchange
  if [ -n "$dry_run" ]; then
    say "would grant it Storage Blob Data Contributor on $account"
    return
  fi
  principal=$(az identity show --name "$identity" --resource-group "$group" --query principalId --output tsv)
  scope=$(az storage account show --name "$account" --resource-group "$group" --query id --output tsv)
  change "grant it Storage Blob Data Contributor on $account" \
    quietly az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal \
    --role "Storage Blob Data Contributor" --scope "$scope"
  client=$(az identity show --name "$identity" --resource-group "$group" --query clientId --output tsv)
  say "in the watcher, instead of credentialsSecret:"
  printf '    identity:\n      type: WorkloadIdentity\n      clientId: %s\n      serviceAccountName: %s\n' \
    "$client" "$service_account"
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
