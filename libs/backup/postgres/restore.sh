#!/usr/bin/env bash
# restore.sh FOLDER DUMP: empties every schema that FOLDER/schemas names and fills it from the dump, all in one transaction: it is committed
# only when each of them came back whole. Objects are made by the owner of their schema, so that they belong to it.
set -euo pipefail
export PGSERVICEFILE="$1/pg_service.conf" PGSERVICE=slipway
# Debian puts wrappers before the programs, which look for the user's name; in a container of ours the user has none.
if [ -n "${PG_MAJOR:-}" ]; then PATH="/usr/lib/postgresql/$PG_MAJOR/bin:$PATH"; fi
{
  cat "$1/begin.sql"
  while read -r schema; do
    cat "$1/$schema.sql"
    pg_restore --no-owner --schema="$schema" --file=- "$2"
    echo 'reset role;'
  done <"$1/schemas"
  echo 'commit;'
} | psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --output=/dev/null
