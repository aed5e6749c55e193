{{/*
Configuration of a collector, as YAML. Arguments: root, kind.

    processes → [sidecar] → [gateway: sampling] → exporters of the values

What cannot be sent yet waits in a file, so that a collector that was killed goes on with it; an orderly end sends it first.
*/}}
{{- define "slipway.telemetry.config" -}}
{{- $telemetry := .root.Values.telemetry -}}
{{- $values := index $telemetry .kind -}}
{{- $gateway := eq .kind "gateway" -}}
{{- $listen := ternary "0.0.0.0" "127.0.0.1" $gateway -}}
{{- $exporters := fromJson (include "slipway.telemetry.exporters" .) -}}
{{- $processors := dict "memory_limiter" (dict "check_interval" "1s" "limit_mib" (div (mul (int $values.memoryMiB) 4) 5) "spike_limit_mib" (div (int $values.memoryMiB) 5)) -}}
{{- $ofTraces := list "memory_limiter" -}}
{{- if and $gateway (eq $telemetry.sampling.kind "tail") -}}
{{- $_ := set $processors "tail_sampling" (fromJson (include "slipway.telemetry.sampling" .root)) -}}
{{- $ofTraces = append $ofTraces "tail_sampling" -}}
{{- end -}}
{{- $pipelines := dict -}}
{{- range $signal, $through := dict "traces" $ofTraces "metrics" (list "memory_limiter") -}}
{{- $_ := set $pipelines $signal (dict "receivers" (list "otlp") "processors" $through "exporters" (keys (get $exporters $signal) | sortAlpha)) -}}
{{- end -}}
{{- $receivers := dict "otlp" (dict "protocols" (dict "http" (dict "endpoint" (printf "%s:4318" $listen)) "grpc" (dict "endpoint" (printf "%s:4317" $listen)))) -}}
{{- /* When it ends its own receiver ends first: better to whom else there is. Where there is nobody, what it counts of itself goes past the limiter: else nobody would hear that it refuses. */}}
{{- $to := printf "%s:4318" (include "slipway.name" (dict "root" .root "component" "collector")) -}}
{{- if include "slipway.telemetry.exports" . -}}
{{- $to = "127.0.0.1:4319" -}}
{{- $_ := set $receivers "otlp/own" (dict "protocols" (dict "http" (dict "endpoint" $to))) -}}
{{- $_ := set $pipelines "metrics/own" (dict "receivers" (list "otlp/own") "exporters" $pipelines.metrics.exporters) -}}
{{- end -}}
{{- $own := list (dict "periodic" (dict "interval" (mul 1000 (int $telemetry.metricSeconds)) "exporter" (dict "otlp" (dict "protocol" "http/protobuf" "endpoint" (printf "http://%s" $to))))) -}}
{{- $attributes := list (dict "name" "service.name" "value" (printf "slipway-collector-%s" .kind)) (dict "name" "service.instance.id" "value" "${env:POD_NAME}") (dict "name" "k8s.namespace.name" "value" "${env:POD_NAMESPACE}") -}}
{{- toYaml (dict
  "extensions" (dict
    "health_check" (dict "endpoint" "0.0.0.0:13133")
    "file_storage" (dict "directory" "/var/lib/otelcol" "compaction" (dict "directory" "/var/lib/otelcol" "on_start" true)))
  "receivers" $receivers
  "processors" $processors
  "exporters" (merge $exporters.traces $exporters.metrics)
  "service" (dict
    "extensions" (list "health_check" "file_storage")
    "telemetry" (dict "logs" (dict "level" "warn" "encoding" "json") "resource" (dict "attributes" $attributes) "metrics" (dict "level" "normal" "readers" $own))
    "pipelines" $pipelines)
) -}}
{{- end -}}

{{/* What a gateway keeps of the traces, as JSON: whatever is worth a look, and a share of the rest. Takes the root. */}}
{{- define "slipway.telemetry.sampling" -}}
{{- $sampling := .Values.telemetry.sampling -}}
{{- $share := mulf 100 (float64 $sampling.ratio) -}}
{{- toJson (dict
  "decision_wait" $sampling.tail.decisionWait
  "num_traces" (int $sampling.tail.tracesInMemory)
  "policies" (list
    (dict "name" "errors" "type" "status_code" "status_code" (dict "status_codes" (list "ERROR")))
    (dict "name" "slow" "type" "latency" "latency" (dict "threshold_ms" (int $sampling.tail.slowMilliseconds)))
    (dict "name" "infected" "type" "string_attribute" "string_attribute" (dict "key" "slipway.scan.verdict" "values" (list "infected")))
    (dict "name" "share" "type" "probabilistic" "probabilistic" (dict "sampling_percentage" $share)))
) -}}
{{- end -}}

{{/* Settings that every sending exporter has: a bounded queue in a file, batches, and an end of trying. Arguments: mebibytes (of one signal's queue). */}}
{{- define "slipway.telemetry.sending" -}}
{{- toJson (dict
  "sending_queue" (dict "storage" "file_storage" "sizer" "bytes" "queue_size" (mul 1048576 (int .mebibytes)) "num_consumers" 4 "batch" (dict "flush_timeout" "1s" "sizer" "items" "min_size" 2000 "max_size" 8000))
  "retry_on_failure" (dict "initial_interval" "1s" "max_interval" "10s" "max_elapsed_time" "300s")
  "timeout" "10s"
) -}}
{{- end -}}

{{/* Exporters of a kind of collector by signal, as JSON: {traces, metrics}, each name → settings. Arguments: root, kind. */}}
{{- define "slipway.telemetry.exporters" -}}
{{- $telemetry := .root.Values.telemetry -}}
{{- $sending := fromJson (include "slipway.telemetry.sending" (dict "mebibytes" (index $telemetry .kind).queueMiB)) -}}
{{- $parts := fromJson (include "slipway.telemetry.parts" .root) -}}
{{- $traces := dict -}}
{{- $metrics := dict -}}
{{- if and (eq .kind "sidecar") $parts.gateway -}}
{{- $pods := printf "%s.%s.svc.%s" (include "slipway.name" (dict "root" .root "component" "collector-pods")) .root.Release.Namespace .root.Values.clusterDomain -}}
{{- if gt (int $telemetry.gateway.replicas) 1 -}}
{{- /* All spans of a trace have to meet in one gateway, and all points of a series too. */}}
{{- $inner := merge (dict "tls" (dict "insecure" true)) (omit $sending "sending_queue") -}}
{{- range $signal, $key := dict "traces" "traceID" "metrics" "resource" -}}
{{- $balancer := merge (pick $sending "sending_queue") (dict "routing_key" $key "protocol" (dict "otlp" $inner) "resolver" (dict "dns" (dict "hostname" $pods "port" "4317"))) -}}
{{- $_ := set (ternary $traces $metrics (eq $signal "traces")) (printf "loadbalancing/%s" $signal) $balancer -}}
{{- end -}}
{{- else -}}
{{- $gateway := merge (dict "endpoint" (printf "%s:4317" (include "slipway.name" (dict "root" .root "component" "collector"))) "tls" (dict "insecure" true)) $sending -}}
{{- $_ := set $traces "otlp_grpc/gateway" $gateway -}}
{{- $_ := set $metrics "otlp_grpc/gateway" $gateway -}}
{{- end -}}
{{- else -}}
{{- $own := $telemetry.exporters -}}
{{- range $name := list "otlp_grpc" "otlp_http" -}}
{{- $values := index $own $name -}}
{{- if $values.enabled -}}
{{- $tls := dict "insecure" $values.insecure -}}
{{- if $values.ca.secret }}{{ $_ := set $tls "ca_file" (printf "/etc/otelcol/ca/%s/%s" $name $values.ca.key) }}{{ end -}}
{{- $exporter := merge (dict "endpoint" $values.endpoint "tls" $tls) $sending -}}
{{- if $values.existingSecret.name }}{{ $_ := set $exporter "headers" (dict $values.header (printf "${env:%s_HEADER}" (upper $name))) }}{{ end -}}
{{- if has "traces" $values.signals }}{{ $_ := set $traces $name $exporter }}{{ end -}}
{{- if has "metrics" $values.signals }}{{ $_ := set $metrics $name $exporter }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $own.prometheus.enabled -}}
{{- $_ := set $metrics "prometheus" (dict "endpoint" "0.0.0.0:8889" "metric_expiration" (printf "%ds" (max 60 (mul 4 (int $telemetry.metricSeconds)))) "translation_strategy" "UnderscoreEscapingWithSuffixes") -}}
{{- end -}}
{{- if $own.debug.enabled -}}
{{- range $signal := list $traces $metrics }}{{ $_ := set $signal "debug" (dict "verbosity" $own.debug.verbosity) }}{{ end -}}
{{- end -}}
{{- if $own.elasticsearch.enabled -}}
{{- $exporter := merge (dict "endpoint" $own.elasticsearch.endpoint) (pick $sending "sending_queue") -}}
{{- if $own.elasticsearch.existingSecret.name }}{{ $_ := set $exporter "api_key" "${env:ELASTICSEARCH_API_KEY}" }}{{ end -}}
{{- $_ := set $traces "elasticsearch" $exporter -}}
{{- end -}}
{{- if $own.awsxray.enabled }}{{ $_ := set $traces "awsxray" (dict "region" $own.awsxray.region "indexed_attributes" (list "slipway.tenant.id" "slipway.file.id" "slipway.dish.id" "slipway.job.id")) }}{{ end -}}
{{- if $own.googlecloud.enabled -}}
{{- $exporter := merge (dict "project" $own.googlecloud.project) (pick $sending "sending_queue") -}}
{{- range $signal := list $traces $metrics }}{{ $_ := set $signal "googlecloud" $exporter }}{{ end -}}
{{- end -}}
{{- if $own.azuremonitor.enabled -}}
{{- $exporter := merge (dict "connection_string" "${env:AZUREMONITOR_CONNECTION_STRING}") (pick $sending "sending_queue") -}}
{{- range $signal := list $traces $metrics }}{{ $_ := set $signal "azuremonitor" $exporter }}{{ end -}}
{{- end -}}
{{- end -}}
{{- /* Else who sends them would be refused. */}}
{{- range list $traces $metrics }}{{ if not . }}{{ $_ := set . "nop" dict }}{{ end }}{{ end -}}
{{- toJson (dict "traces" $traces "metrics" $metrics) -}}
{{- end -}}

{{/* What exporters sign in with, and the authorities of their servers. Each takes the root. */}}
{{- define "slipway.telemetry.exporterSecrets" -}}
{{- $root := . -}}
{{- $own := .Values.telemetry.exporters -}}
{{- range $variable, $exporter := dict "OTLP_GRPC_HEADER" $own.otlp_grpc "OTLP_HTTP_HEADER" $own.otlp_http "ELASTICSEARCH_API_KEY" $own.elasticsearch "AZUREMONITOR_CONNECTION_STRING" $own.azuremonitor -}}
{{- if and $exporter.enabled $exporter.existingSecret.name }}
{{ include "slipway.secretVariable" (dict "root" $root "name" $variable "from" $exporter.existingSecret) }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- define "slipway.telemetry.caMounts" -}}
{{- range $name := list "otlp_grpc" "otlp_http" -}}
{{- $exporter := index $.Values.telemetry.exporters $name -}}
{{- if and $exporter.enabled $exporter.ca.secret }}
- { name: ca-{{ replace "_" "-" $name }}, mountPath: /etc/otelcol/ca/{{ $name }}, readOnly: true }
{{- end -}}
{{- end -}}
{{- end -}}
{{- define "slipway.telemetry.caVolumes" -}}
{{- range $name := list "otlp_grpc" "otlp_http" -}}
{{- $exporter := index $.Values.telemetry.exporters $name -}}
{{- if and $exporter.enabled $exporter.ca.secret }}
- { name: ca-{{ replace "_" "-" $name }}, secret: { secretName: {{ $exporter.ca.secret }}, defaultMode: 0444 } }
{{- end -}}
{{- end -}}
{{- end -}}
