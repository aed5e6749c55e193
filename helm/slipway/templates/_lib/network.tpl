{{/* The route table of the edge, longest prefix first, as JSON: [{path, component, port}]. */}}
{{- define "slipway.routes" -}}
{{- $services := fromJson (include "slipway.services" .) -}}
{{- $byPath := dict -}}
{{- range $name, $service := $services -}}
{{- range $service.routes }}{{ $_ := set $byPath . (dict "path" . "component" (printf "%s-api" $name) "port" 8080) }}{{ end -}}
{{- end -}}
{{- if hasKey $services "identity" -}}
{{- range list "/docs" "/problems" }}{{ $_ := set $byPath . (dict "path" . "component" "identity-api" "port" 8080) }}{{ end -}}
{{- end -}}
{{- if .Values.frontend.enabled }}{{ $_ := set $byPath "/" (dict "path" "/" "component" "frontend" "port" 8080) }}{{ end -}}
{{- if .Values.mail.catcher.enabled }}{{ $_ := set $byPath "/dev/mail" (dict "path" "/dev/mail" "component" "mail" "port" 8025) }}{{ end -}}
{{- $keyed := list -}}
{{- range $path, $route := $byPath }}{{ $keyed = append $keyed (printf "%04d %s" (sub 9999 (len $path)) $path) }}{{ end -}}
{{- $routes := list -}}
{{- range sortAlpha $keyed }}{{ $routes = append $routes (get $byPath (splitn " " 2 .)._1) }}{{ end -}}
{{- toJson $routes -}}
{{- end -}}

{{/* Hosts that the edge serves, as JSON. */}}
{{- define "slipway.hosts" -}}
{{- $host := default (get (urlParse .Values.publicUrl) "hostname") .Values.edge.host -}}
{{- $hosts := list $host -}}
{{- with .Values.baseDomain }}{{ $hosts = append $hosts (printf "*.%s" .) }}{{ end -}}
{{- toJson (uniq $hosts) -}}
{{- end -}}

{{/* Stores as NetworkPolicies see them, as JSON: component → managed, port, cidrs, egress (of the bundled one). Takes the root. */}}
{{- define "slipway.network.stores" -}}
{{- $freshclam := list (dict "to" (list (dict "ipBlock" (dict "cidr" "0.0.0.0/0"))) "ports" (list (dict "port" 443 "protocol" "TCP") (dict "port" 80 "protocol" "TCP"))) -}}
{{- $stores := dict
  "postgresql" (dict "managed" .Values.postgresql.managed "port" (include "slipway.postgresql.port" . | int) "cidrs" .Values.postgresql.connection.cidrs)
  "redis" (dict "managed" .Values.redis.managed "port" (include "slipway.redis.port" . | int) "cidrs" .Values.redis.connection.cidrs)
  "object-storage" (dict "managed" .Values.objectStorage.managed "port" (ternary .Values.objectStorage.connection.port (include "slipway.objectStorage.port" .) .Values.objectStorage.managed | int) "cidrs" .Values.objectStorage.connection.cidrs)
  "clamav" (dict "managed" .Values.clamav.managed "port" (ternary .Values.clamav.connection.port 3310 .Values.clamav.managed | int) "cidrs" .Values.clamav.connection.cidrs "egress" $freshclam)
-}}
{{- toJson $stores -}}
{{- end -}}
