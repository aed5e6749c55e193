{{/*
What the schema cannot say: how values fit together. All faults are collected and told at once, each with the key, the value and the fix.
*/}}
{{- define "slipway.faults" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- $production := eq $v.environment "production" -}}
{{- $url := urlParse $v.publicUrl -}}
{{- if not (and (has $url.scheme (list "http" "https")) $url.host) -}}
{{- $faults = append $faults (printf "publicUrl is %q: set it to where clients reach the platform, such as https://slipway.example.com" $v.publicUrl) -}}
{{- else if or (not (has $url.path (list "" "/"))) $url.query $url.fragment -}}
{{- $faults = append $faults (printf "publicUrl is %q: leave only scheme, host and port" $v.publicUrl) -}}
{{- else if and $production (eq $url.scheme "http") -}}
{{- $faults = append $faults (printf "publicUrl is %q: production needs https; set environment to development or test for plain http" $v.publicUrl) -}}
{{- end -}}
{{- if and $production $v.clamav.allowTestSignatures -}}
{{- $faults = append $faults "clamav.allowTestSignatures is true: production needs real signatures; set it to false, or environment to development or test" -}}
{{- end -}}
{{- if and $production $v.mail.catcher.enabled -}}
{{- $faults = append $faults "mail.catcher.enabled is true: in production mails have to be delivered; set it to false and put SMTP_URL into the Secret" -}}
{{- end -}}
{{- if and $production $v.dev.liveReload -}}
{{- $faults = append $faults "dev.liveReload is true: in production nobody changes files of a running pod; set it to false, or environment to development or test" -}}
{{- end -}}
{{- range $store := list "postgresql" "redis" "clamav" -}}
{{- $values := index $v $store -}}
{{- if and $values.managed (not $values.connection.host) -}}
{{- $faults = append $faults (printf "%s.connection.host is empty although %s.managed is true: name the host of your server, or set managed to false" $store $store) -}}
{{- else if and (not $values.managed) $values.connection.host -}}
{{- $faults = append $faults (printf "%s.connection.host is %q although %s.managed is false: set managed to true, or leave the host empty" $store $values.connection.host $store) -}}
{{- end -}}
{{- end -}}
{{- $database := $v.postgresql -}}
{{- if eq $database.connection.auth "aws-iam" -}}
{{- if not $database.managed -}}
{{- $faults = append $faults "postgresql.connection.auth is aws-iam although postgresql.managed is false: only Amazon RDS takes its tokens; set managed to true, or auth to password" -}}
{{- end -}}
{{- if eq $database.connection.tls "disable" -}}
{{- $faults = append $faults "postgresql.connection.tls is disable although auth is aws-iam: whoever reads a token on its way can use it; set it to verify-full" -}}
{{- end -}}
{{- with $database.connection.existingSecret.name -}}
{{- $faults = append $faults (printf "postgresql.connection.existingSecret.name is %q although auth is aws-iam: nobody has a password, so leave it empty, or set auth to password" .) -}}
{{- end -}}
{{- end -}}
{{- $storage := $v.objectStorage -}}
{{- if and (not $storage.managed) $storage.connection.endpoint -}}
{{- $faults = append $faults (printf "objectStorage.connection.endpoint is %q although objectStorage.managed is false: set managed to true, or leave the endpoint empty" $storage.connection.endpoint) -}}
{{- end -}}
{{- if and $storage.managed (eq $storage.connection.auth "identity") $storage.connection.existingSecret.name -}}
{{- $faults = append $faults (printf "objectStorage.connection.existingSecret.name is %q although auth is identity: pods sign in as themselves, so leave it empty, or set auth to keys" $storage.connection.existingSecret.name) -}}
{{- end -}}
{{- $ofOthers := dict -}}
{{- range $key, $store := fromJson (include "slipway.secrets.ofOthers" .) }}{{ $_ := set $ofOthers $store (append (default list (get $ofOthers $store)) $key) }}{{ end -}}
{{- range $store, $keys := $ofOthers -}}
{{- $connection := (index $v $store).connection -}}
{{- if and (eq $v.secrets.mode "generated") (not $connection.existingSecret.name) (ne (toString $connection.auth) "identity") -}}
{{- $faults = append $faults (printf "%s.connection.existingSecret.name is empty although %s.managed is true and secrets.mode is generated: only the owner of that store knows %s, so put it into a Secret and name that one, or set secrets.mode to existing or external" $store $store (sortAlpha $keys | join " and ")) -}}
{{- end -}}
{{- end -}}
{{- range $store := list "postgresql" "redis" "objectStorage" -}}
{{- $connection := (index $v $store).connection -}}
{{- $encrypted := or (has (toString $connection.tls) (list "require" "verify-full" "true")) (hasPrefix "https:" (toString $connection.endpoint)) -}}
{{- if and (index $v $store).managed $connection.ca.secret (not $encrypted) -}}
{{- $faults = append $faults (printf "%s.connection.ca.secret is %q although the connection is not encrypted: switch TLS on, or leave it empty" $store $connection.ca.secret) -}}
{{- end -}}
{{- end -}}
{{- if gt (int64 $v.clamav.maxStreamBytes) (int64 $v.clamav.maxFileBytes) -}}
{{- $faults = append $faults (printf "clamav.maxStreamBytes is %d, above clamav.maxFileBytes (%d): clamd would answer OK for bytes that it has not read; lower it" (int64 $v.clamav.maxStreamBytes) (int64 $v.clamav.maxFileBytes)) -}}
{{- end -}}
{{- if and (ne $v.secrets.mode "generated") (not $v.secrets.name) (eq $v.secrets.mode "existing") -}}
{{- $faults = append $faults "secrets.name is empty although secrets.mode is existing: name your Secret" -}}
{{- end -}}
{{- if eq $v.secrets.mode "external" -}}
{{- range $key, $value := dict "store.name" $v.secrets.external.store.name "key" $v.secrets.external.key -}}
{{- if not $value }}{{ $faults = append $faults (printf "secrets.external.%s is empty although secrets.mode is external: set it" $key) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and $v.storePriority.create $v.storePriority.className -}}
{{- $faults = append $faults (printf "storePriority.className is %q although storePriority.create is true: leave it empty, or set create to false" $v.storePriority.className) -}}
{{- end -}}
{{- $to := $v.backup.destination -}}
{{- if and $to.endpoint (not $to.bucket) -}}
{{- $faults = append $faults (printf "backup.destination.endpoint is %q although backup.destination.bucket is empty: name the bucket, or leave the endpoint empty" $to.endpoint) -}}
{{- end -}}
{{- if and $to.bucket (eq $to.auth "identity") $to.existingSecret.name -}}
{{- $faults = append $faults (printf "backup.destination.existingSecret.name is %q although auth is identity: leave it empty, or set auth to keys" $to.existingSecret.name) -}}
{{- end -}}
{{- if and $to.bucket (eq $to.auth "keys") (not $to.existingSecret.name) (eq $v.secrets.mode "generated") -}}
{{- $faults = append $faults "backup.destination.existingSecret.name is empty although secrets.mode is generated: only the owner of that store knows BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY, so put them into a Secret and name that one, or set auth to identity" -}}
{{- end -}}
{{- if and $to.ca.secret (not (hasPrefix "https:" $to.endpoint)) -}}
{{- $faults = append $faults (printf "backup.destination.ca.secret is %q although backup.destination.endpoint is %q: give an https endpoint, or leave it empty" $to.ca.secret $to.endpoint) -}}
{{- end -}}
{{- if and $v.restore.only (not $v.restore.from) -}}
{{- $faults = append $faults (printf "restore.only is %q although restore.from is empty: set from to latest or to the id of a backup, or leave only empty" $v.restore.only) -}}
{{- end -}}
{{- if and (eq $v.edge.kind "httpRoute") (not $v.edge.httpRoute.parentRefs) -}}
{{- $faults = append $faults "edge.httpRoute.parentRefs is empty although edge.kind is httpRoute: name your Gateway" -}}
{{- end -}}
{{- if and $v.edge.tls.secret (ne $v.edge.kind "ingress") -}}
{{- $faults = append $faults (printf "edge.tls.secret is %q although edge.kind is %s: only an Ingress names a certificate, so name it in the listener of your Gateway, and leave this empty" $v.edge.tls.secret $v.edge.kind) -}}
{{- end -}}
{{- if and $v.edge.tls.secret $v.edge.tls.issuer -}}
{{- $faults = append $faults (printf "edge.tls.secret is %q and edge.tls.issuer is %q: keep one of them" $v.edge.tls.secret $v.edge.tls.issuer) -}}
{{- end -}}
{{- $faults = concat $faults (fromJsonArray (include "slipway.telemetry.faults" .)) -}}
{{- $services := fromJson (include "slipway.services" .) -}}
{{- if not (hasKey $services "identity") -}}
{{- $faults = append $faults "services.identity is switched off: every other service asks it who calls; set services.identity.enabled to true" -}}
{{- end -}}
{{- with $services.identity -}}
{{- if not .env.MAIL_FROM -}}
{{- $faults = append $faults "services.identity.env.MAIL_FROM is empty: name the sender of mails, such as Slipway <no-reply@example.com>" -}}
{{- end -}}
{{- end -}}
{{- $owners := dict -}}
{{- range $name, $service := $services -}}
{{- range $service.routes -}}
{{- $route := (fromJson (include "slipway.route" (dict "root" $ "route" .))).path -}}
{{- with get $owners $route }}{{ $faults = append $faults (printf "services.%s.routes has %q, which is services.%s's: keep it in one of them" $name $route .) }}{{ end -}}
{{- $_ := set $owners $route $name -}}
{{- end -}}
{{- range $kind := list "api" "worker" -}}
{{- $scaling := (index $service $kind).autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- $faults = append $faults (printf "services.%s.%s.autoscaling.minReplicas is %d, above maxReplicas (%d): lower it" $name $kind (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $faults -}}
{{- end -}}
