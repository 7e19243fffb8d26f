{{- define "mpp-registry.fullname" -}}
{{- if contains "mpp-registry" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-mpp-registry" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "mpp-registry.selector" -}}
app.kubernetes.io/name: mpp-registry
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mpp-registry.labels" -}}
{{ include "mpp-registry.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "mpp-registry.account" -}}
{{ .Values.serviceAccount.name | default (include "mpp-registry.fullname" .) }}
{{- end }}

{{- define "mpp-registry.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What cannot work is refused before anything is made. */}}
{{- define "mpp-registry.check" -}}
{{- if not .Values.url }}{{ fail "url: say where others reach the registry, for example https://registry.example.com" }}{{ end }}
{{- if and .Values.database.url (not .Values.blobs.url) }}{{ fail "blobs.url: with PostgreSQL the packages lie in an object storage" }}{{ end }}
{{- if and .Values.blobs.url (not .Values.database.url) }}{{ fail "database.url: with an object storage the rows lie in PostgreSQL" }}{{ end }}
{{- if and .Values.database.url (not .Values.keysSecret) }}{{ fail "keysSecret: with PostgreSQL each replica has the same keys; without a Secret they would be lost with the pod" }}{{ end }}
{{- if and (gt (int .Values.replicas) 1) (not .Values.database.url) }}{{ fail "replicas: several need PostgreSQL and an object storage; SQLite is for one" }}{{ end }}
{{- end }}
