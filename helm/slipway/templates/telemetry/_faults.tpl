{{/* What does not fit together in `telemetry`, as a JSON list. Takes the root. */}}
{{- define "slipway.telemetry.faults" -}}
{{- $telemetry := .Values.telemetry -}}
{{- $mode := $telemetry.mode -}}
{{- $parts := fromJson (include "slipway.telemetry.parts" .) -}}
{{- $collects := or $parts.sidecar $parts.gateway -}}
{{- $faults := list -}}
{{- if and (eq $mode "direct") (not $telemetry.endpoint) -}}
{{- $faults = append $faults "telemetry.endpoint is empty although telemetry.mode is direct: name the receiver of OTLP over HTTP" -}}
{{- else if and $telemetry.endpoint (ne $mode "direct") -}}
{{- $faults = append $faults (printf "telemetry.endpoint is %q although telemetry.mode is %s: set mode to direct, or name it in telemetry.exporters.otlp_http and leave this empty" $telemetry.endpoint $mode) -}}
{{- end -}}
{{- if and (eq $telemetry.sampling.kind "tail") (eq $mode "sidecar") -}}
{{- $faults = append $faults "telemetry.sampling.kind is tail although telemetry.mode is sidecar: the collector of a pod sees no whole trace; set mode to sidecar+gateway, or kind to head" -}}
{{- end -}}
{{- if and (gt (int $telemetry.gateway.replicas) 1) (eq $mode "gateway") -}}
{{- $faults = append $faults (printf "telemetry.gateway.replicas is %d although telemetry.mode is gateway: nobody brings the spans of a trace together; set mode to sidecar+gateway, or replicas to 1" (int $telemetry.gateway.replicas)) -}}
{{- end -}}
{{- $needed := dict "otlp_grpc" "endpoint" "otlp_http" "endpoint" "elasticsearch" "endpoint" "awsxray" "region" "googlecloud" "project" -}}
{{- $some := false -}}
{{- range $name, $exporter := $telemetry.exporters -}}
{{- if $exporter.enabled -}}
{{- $some = true -}}
{{- with get $needed $name -}}
{{- if not (get $exporter .) }}{{ $faults = append $faults (printf "telemetry.exporters.%s.%s is empty although that exporter is enabled: set it, or enabled to false" $name .) }}{{ end -}}
{{- end -}}
{{- if and $exporter.ca $exporter.insecure -}}
{{- with $exporter.ca.secret }}{{ $faults = append $faults (printf "telemetry.exporters.%s.ca.secret is %q although insecure is true: set insecure to false, or leave it empty" $name .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $telemetry.exporters.azuremonitor.enabled (not $telemetry.exporters.azuremonitor.existingSecret.name) -}}
{{- $faults = append $faults "telemetry.exporters.azuremonitor.existingSecret.name is empty although that exporter is enabled: name the Secret with its connection string" -}}
{{- end -}}
{{- if and $collects (not $some) -}}
{{- $faults = append $faults (printf "telemetry.exporters are all switched off although telemetry.mode is %s: enable one, or set mode to off" $mode) -}}
{{- end -}}
{{- if and $telemetry.monitors.enabled (not (and $collects $telemetry.exporters.prometheus.enabled)) -}}
{{- $faults = append $faults (printf "telemetry.monitors.enabled is true although telemetry.mode is %s and telemetry.exporters.prometheus.enabled is %t: nothing could be read; set it to false" $mode $telemetry.exporters.prometheus.enabled) -}}
{{- end -}}
{{- toJson $faults -}}
{{- end -}}
