{{/* Name of the Deployment and of the rest. A release called azure-blob-operator makes a Deployment of that name. */}}
{{- define "abo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "abo.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "abo.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "abo.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-wide things carry the namespace too where two releases could otherwise meet in one name. */}}
{{- define "abo.clusterName" -}}
{{- $name := include "abo.fullname" . }}
{{- if eq $name .Release.Namespace }}{{ $name }}{{ else }}{{ printf "%s-%s" .Release.Namespace $name }}{{ end }}
{{- end }}

{{- define "abo.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "abo.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed with serviceAccount.create=false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "abo.selectorLabels" -}}
app.kubernetes.io/name: {{ include "abo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "abo.labels" -}}
{{ include "abo.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: azure-blob-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of the Pods: without the chart's, so that a chart that changes nothing about them restarts none. */}}
{{- define "abo.podLabels" -}}
{{ include "abo.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: azure-blob-operator
{{- if .Values.identity.workloadIdentity.enabled }}
azure.workload.identity/use: "true"
{{- end }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "abo.subject" -}}
- kind: ServiceAccount
  name: {{ include "abo.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "abo.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What Role or ClusterRole of the operator allows: for the watched namespaces, nothing outside of them. */}}
{{- define "abo.rules" -}}
- apiGroups: [mlops.example.com]
  resources: [azureblobwatchers]
  verbs: [get, list, watch]
- apiGroups: [mlops.example.com]
  resources: [azureblobwatchers/status]
  verbs: [update]
# By name; never listed or watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# What templates may create. patch takes off the operator's own finalizer; delete is for the history limits.
{{- range .Values.allowedKinds }}
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource | quote }}]
  {{- if $.Values.impersonation.defaultServiceAccount }}
  # No create and no delete: these are done as a ServiceAccount of the watcher's namespace.
  verbs: [get, list, watch, patch]
  {{- else }}
  verbs: [create, get, list, watch, patch, delete]
  {{- end }}
{{- end }}
{{- if .Values.impersonation.enabled }}
# Its groups come with the ServiceAccount: there is no right to name others.
- apiGroups: [""]
  resources: [serviceaccounts]
  {{- with .Values.impersonation.serviceAccountNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [impersonate]
{{- end }}
{{- if .Values.identity.tenantServiceAccounts }}
# Tokens to exchange at Microsoft Entra ID (spec.identity.serviceAccountName).
- apiGroups: [""]
  resources: [serviceaccounts/token]
  {{- with .Values.identity.tenantServiceAccountNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [create]
# The annotations with their client and tenant IDs.
- apiGroups: [""]
  resources: [serviceaccounts]
  {{- with .Values.identity.tenantServiceAccountNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [get]
{{- end }}
{{- end }}

{{/* Combinations that a schema cannot refuse. */}}
{{- define "abo.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicas > 1 needs leaderElection.enabled: two operators that both act would create twice" }}
{{- end }}
{{- if and .Values.impersonation.defaultServiceAccount (not .Values.impersonation.enabled) }}
{{- fail "impersonation.defaultServiceAccount needs impersonation.enabled" }}
{{- end }}
{{- with .Values.impersonation }}
{{- if and .defaultServiceAccount .serviceAccountNames (not (has .defaultServiceAccount .serviceAccountNames)) }}
{{- fail "impersonation.serviceAccountNames must hold impersonation.defaultServiceAccount" }}
{{- end }}
{{- end }}
{{- if and .Values.caBundle.configMap .Values.caBundle.secret }}
{{- fail "caBundle.configMap and caBundle.secret: give one of them" }}
{{- end }}
{{- end }}
