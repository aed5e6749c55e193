{{/* A value as people wrote it: to templates every number is a float, which would print large ones as 1.6e+07. */}}
{{- define "slipway.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{- define "slipway.fullname" -}}
{{- $name := default .Release.Name .Values.fullnameOverride -}}
{{- if not (contains "slipway" $name) }}{{ $name = printf "%s-slipway" $name }}{{ end -}}
{{- $name | trunc 36 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of a component's objects. Arguments: root, component. */}}
{{- define "slipway.name" -}}
{{- printf "%s-%s" (include "slipway.fullname" .root) .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the pods of a component, and never changes. Arguments: root, component. */}}
{{- define "slipway.selector" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Arguments: root, component. */}}
{{- define "slipway.labels" -}}
{{ include "slipway.selector" . }}
app.kubernetes.io/part-of: slipway
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Arguments: root, component, and optionally kind (annotations). */}}
{{- define "slipway.metadata" -}}
name: {{ include "slipway.name" . }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "slipway.labels" . | nindent 2 }}
{{- end -}}

{{/* Arguments: root, image (a key of .Values.images). */}}
{{- define "slipway.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- $repository := $image.repository -}}
{{- with .root.Values.image.registry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ default .root.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}
