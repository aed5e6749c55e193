{{/* Parts of the way that telemetry takes, as JSON: {sidecar, gateway}. Takes the root. */}}
{{- define "slipway.telemetry.parts" -}}
{{- $mode := .Values.telemetry.mode -}}
{{- toJson (dict "sidecar" (hasPrefix "sidecar" $mode) "gateway" (hasSuffix "gateway" $mode)) -}}
{{- end -}}

{{/* Where processes send what they record; empty: nowhere. Takes the root. */}}
{{- define "slipway.telemetry.endpoint" -}}
{{- $parts := fromJson (include "slipway.telemetry.parts" .) -}}
{{- if $parts.sidecar -}}http://127.0.0.1:4318
{{- else if $parts.gateway -}}http://{{ include "slipway.name" (dict "root" . "component" "collector") }}:4318
{{- else if eq .Values.telemetry.mode "direct" -}}{{ .Values.telemetry.endpoint }}
{{- end -}}
{{- end -}}

{{/* Attributes of the resource that only the pod knows. */}}
{{- define "slipway.telemetry.podVariables" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: NODE_NAME
  valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
{{- end -}}

{{/* Variables of a process of ours. Arguments: root, service (its name to telemetry). */}}
{{- define "slipway.env.telemetry" -}}
{{- with include "slipway.telemetry.endpoint" .root -}}
{{- $telemetry := $.root.Values.telemetry -}}
{{- /* Spans that nobody takes need not be made. */}}
{{- $to := get (fromJson (include "slipway.telemetry.exporters" (dict "root" $.root "kind" "gateway"))) "traces" -}}
{{- $traced := or (eq $telemetry.mode "direct") (not (hasKey $to "nop")) -}}
{{ include "slipway.telemetry.podVariables" $ }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ $.service }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME),k8s.node.name=$(NODE_NAME),deployment.environment.name={{ $.root.Values.environment }},service.version={{ $.root.Chart.AppVersion }}
- name: OTEL_SAMPLING
  value: {{ ternary $telemetry.sampling.kind "head" $traced }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ ternary $telemetry.sampling.ratio 0 $traced | quote }}
- name: OTEL_METRIC_SECONDS
  value: {{ $telemetry.metricSeconds | quote }}
{{- end -}}
{{- end -}}

{{/* Containers that start before all others of a pod and end after them: the collector, where pods have one. Takes the root. */}}
{{- define "slipway.telemetry.sidecar" -}}
{{- if (fromJson (include "slipway.telemetry.parts" .)).sidecar -}}
- name: collector
  restartPolicy: Always
  {{- include "slipway.telemetry.collector" (dict "root" . "kind" "sidecar") | nindent 2 }}
{{- end -}}
{{- end -}}
{{- define "slipway.telemetry.volumes" -}}
{{- if (fromJson (include "slipway.telemetry.parts" .)).sidecar }}
- { name: collector-queue, emptyDir: { sizeLimit: {{ include "slipway.telemetry.queueRoom" .Values.telemetry.sidecar }} } }
{{- if include "slipway.telemetry.exports" (dict "root" . "kind" "sidecar") }}{{ include "slipway.telemetry.caVolumes" . }}{{ end }}
{{- end }}
{{- end -}}

{{/* Room of the files in which telemetry waits: a queue for each signal and exporter, which grow by doubling. Takes sidecar or gateway. */}}
{{- define "slipway.telemetry.queueRoom" -}}
{{- printf "%dMi" (mul 8 (int .queueMiB)) -}}
{{- end -}}

{{/*
A collector. Its configuration is a variable and no ConfigMap: hooks run before the release has objects, and what changes it changes the
pod. Arguments: root, kind (sidecar or gateway).
*/}}
{{- define "slipway.telemetry.collector" -}}
{{- $values := index .root.Values.telemetry .kind -}}
{{- $memory := int $values.memoryMiB -}}
{{- $requests := dict "cpu" $values.cpu "memory" (printf "%dMi" (div $memory 2)) "ephemeral-storage" (printf "%dMi" (min 16 (mul 8 (int $values.queueMiB)))) -}}
{{- $limits := dict "memory" (printf "%dMi" $memory) "ephemeral-storage" (include "slipway.telemetry.queueRoom" $values) -}}
{{ include "slipway.container" (dict "root" .root "image" "collector" "resources" (dict "requests" $requests "limits" $limits)) }}
args: ["--config=env:COLLECTOR_CONFIG"]
env:
  {{- include "slipway.telemetry.podVariables" . | nindent 2 }}
  # The limiter refuses before the kernel kills, and the garbage collector works harder before that.
  - { name: GOMEMLIMIT, value: {{ div (mul $memory 3) 4 }}MiB }
  {{- if include "slipway.telemetry.exports" . }}{{ include "slipway.telemetry.exporterSecrets" .root | nindent 2 }}{{ end }}
  - name: COLLECTOR_CONFIG
    value: {{ include "slipway.telemetry.config" . | quote }}
ports:
  - { name: health, containerPort: 13133 }
  {{- if eq .kind "gateway" }}
  - { name: otlp-grpc, containerPort: 4317 }
  - { name: otlp-http, containerPort: 4318 }
  {{- end }}
  {{- if include "slipway.telemetry.scraped" . }}
  - { name: metrics, containerPort: 8889 }
  {{- end }}
livenessProbe:
  httpGet: { path: /, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
volumeMounts:
  - { name: collector-queue, mountPath: /var/lib/otelcol }
  {{- if include "slipway.telemetry.exports" . }}{{ include "slipway.telemetry.caMounts" .root | nindent 2 }}{{ end }}
{{- end -}}

{{/* Whether this kind of collector has the exporters of the values, and whether Prometheus reads from it. Arguments: root, kind. */}}
{{- define "slipway.telemetry.exports" -}}
{{- $parts := fromJson (include "slipway.telemetry.parts" .root) -}}
{{- if or (and (eq .kind "gateway") $parts.gateway) (and (eq .kind "sidecar") $parts.sidecar (not $parts.gateway)) }}true{{ end -}}
{{- end -}}
{{- define "slipway.telemetry.scraped" -}}
{{- if .root.Values.telemetry.exporters.prometheus.enabled }}{{ include "slipway.telemetry.exports" . }}{{ end -}}
{{- end -}}
