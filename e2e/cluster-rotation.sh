#!/usr/bin/env bash
# Rotates secrets of an installation in the test cluster by the commands of docs/operate/rotate-secrets.md, taken from that page, and
# looks whether the platform works and old values do not. Takes the installation that `KEEP=1 e2e/cluster` leaves.
#
#   e2e/cluster-rotation.sh [role|redis|storage|credential|encryption|signing|admin …]     all of them without a name
set -euo pipefail
cd "$(dirname "$0")/.."
cluster=$(cd ../shared/cluster && pwd)
. "$cluster/env.sh"
export PATH="$PWD/node_modules/.bin:$BIN:$PATH"
url=http://localhost:30080
page=docs/operate/rotate-secrets.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the first block of the page has for an installation of one's own.
# shellcheck disable=SC2034 # the commands of the page read them
namespace=slipway-e2e release=e2e chart=helm/slipway secret=e2e-slipway-secrets

fail() { echo "FAIL  $*" >&2; exit 1; }
value() { kubectl -n "$namespace" get secret "$secret" --output "jsonpath={.data.$1}" | base64 -d; }

# The commands of a section, as people read them.
commands() { # name
  sed -n "/^\`\`\`sh $1\$/,/^\`\`\`\$/p" "$page" | sed '1d;$d'
}

rotate() { # name
  local text
  text=$(commands "$1")
  [ -n "$text" ] || fail "$page has no block \"$1\""
  (set -euo pipefail; eval "$text") >"$work/$1.log" 2>&1 || { cat "$work/$1.log"; fail "the commands of \"$1\""; }
}

# Somebody signs in, gets a new key, uploads, downloads, has a model made; the doctor signs in to every store as each of its users.
# Few tenants are made, as an address may make only some in an hour.
works() {
  node cli/main.ts demo --url "$url" >"$work/demo.env"
  (set -a; . "$work/demo.env"; set +a; CI=true vitest run --project e2e --reporter minimal e2e/files.test.ts && node e2e/models.ts 2) \
    >"$work/e2e.log" 2>&1 || { cat "$work/e2e.log"; fail "black-box tests after \"$1\""; }
  helm test "$release" -n "$namespace" --logs >"$work/test.log" 2>&1 || { cat "$work/test.log"; fail "helm test after \"$1\""; }
}

changed() { # key, its old value
  [ "$(value "$1")" != "$2" ] || fail "$1 is what it was"
}

# Whether a store takes the password; 0 is yes.
# By the address of the pod, as the server asks nobody on its own machine for a password.
# shellcheck disable=SC2016 # the pod's address, not ours
postgres_takes() { # user, password
  kubectl -n "$namespace" exec statefulset/e2e-slipway-postgresql -- env PGPASSWORD="$2" PGUSER="$1" \
    sh -c 'psql --quiet --host "$(hostname -i)" --command "select 1" slipway' >/dev/null 2>&1
}
redis_takes() { # password
  kubectl -n "$namespace" exec statefulset/e2e-slipway-redis -- env REDISCLI_AUTH="$1" valkey-cli ping 2>/dev/null | grep -qx PONG
}
replaced() { # command that takes a password as its last argument, key, old value
  changed "$2" "$3"
  $1 "$(value "$2")" || fail "the new $2 is refused"
  if $1 "$3"; then fail "the old $2 is still taken"; fi
}

check() { # name
  local began=$SECONDS old second
  case $1 in
    role)
      old=$(value FILES_DB_RUNTIME_PASSWORD)
      rotate role; replaced "postgres_takes slipway_files_runtime" FILES_DB_RUNTIME_PASSWORD "$old" ;;
    redis)
      old=$(value REDIS_PASSWORD)
      rotate redis; replaced redis_takes REDIS_PASSWORD "$old" ;;
    storage)
      old=$(value S3_ACCESS_KEY) second=$(value S3_SECRET_KEY)
      rotate storage; changed S3_ACCESS_KEY "$old"; changed S3_SECRET_KEY "$second" ;;
    credential)
      old=$(value FILES_CREDENTIAL) second=$(value SLIPWAY_SERVICE_CALLERS)
      rotate credential; changed FILES_CREDENTIAL "$old"; changed SLIPWAY_SERVICE_CALLERS "$second" ;;
    encryption)
      old=$(value IDENTITY_ENCRYPTION_KEY)
      rotate encryption; changed IDENTITY_ENCRYPTION_KEY "$old"
      case $(value IDENTITY_ENCRYPTION_KEY) in *",$old") ;; *) fail "the old key is not behind the new one" ;; esac ;;
    signing)
      old=$(value IDENTITY_SECRET)
      rotate signing; changed IDENTITY_SECRET "$old"
      case $(value IDENTITY_SECRET) in *",$old") ;; *) fail "the old secret is not behind the new one" ;; esac ;;
    admin)
      old=$(value DATABASE_ADMIN_PASSWORD)
      rotate admin; replaced "postgres_takes postgres" DATABASE_ADMIN_PASSWORD "$old" ;;
    *) fail "there is nothing called \"$1\" to rotate" ;;
  esac
  works "$1"
  printf 'ok    %-44s %5d s\n' "rotate: $1" $((SECONDS - began))
}

if [ $# -eq 0 ]; then set -- role redis storage credential encryption signing admin; fi
for name; do check "$name"; done
