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
