#!/usr/bin/env bash
# dump.sh FOLDER DUMP: one consistent dump of the schemas that FOLDER/schemas names, as the role of FOLDER/pg_service.conf.
# Policies show that role the rows of all tenants; that they do was checked before.
set -euo pipefail
export PGSERVICEFILE="$1/pg_service.conf" PGSERVICE=slipway
# Debian puts wrappers before the programs, which look for the user's name; in a container of ours the user has none.
if [ -n "${PG_MAJOR:-}" ]; then PATH="/usr/lib/postgresql/$PG_MAJOR/bin:$PATH"; fi
schemas=()
while read -r schema; do schemas+=("--schema=$schema"); done <"$1/schemas"
exec pg_dump --no-password --format=custom --enable-row-security --strict-names --lock-wait-timeout=60s "${schemas[@]}" --file="$2"
