# The part of e2e/cluster that runs the commands of docs/operate, taken from its pages.
# shellcheck shell=bash disable=SC2154,SC2034 # variables of e2e/cluster, and of the pages

# A block of a page, as people read it, with the variables of the page's setup.
by_the_page() { # page block
  local text
  text=$(sed -n "/^\`\`\`sh $2\$/,/^\`\`\`\$/p" "docs/operate/$1.md" | sed '1d;$d')
  [ -n "$text" ] || { echo "docs/operate/$1.md has no block \"$2\""; return 1; }
  quietly "$2" bash -euo pipefail -c "$text"
}

# Files and people of before are there, and new ones can be made.
still_works() { node e2e/keep.ts check "$work/kept.json" && black_box files.test.ts; }

operate() {
  say "the pages of docs/operate"
  export namespace release chart name=$release-slipway target=$work/target.yaml
  # With stores of others beside it, see `modest`.
  sed "s/cpu: 200m/cpu: 50m/; s/cpu: 150m/cpu: 100m/" "$chart/profiles/test.yaml" >"$work/values.yaml"
  printf 'backup: { enabled: true }\n' >>"$work/values.yaml"
  fresh_namespace
  (unset values; export values=$work/values.yaml; timed "install" by_the_page install-and-upgrade install) || return 1
  timed "edge" reachable
  timed "operator" by_the_page install-and-upgrade operator
  timed "demo tenant" sign_up
  node e2e/keep.ts put 6 >"$work/kept.json"
  for block in upgrade rollback scale autoscale grow; do
    (unset values; export values=$work/values.yaml; timed "$block" by_the_page install-and-upgrade "$block") || return 1
  done
  timed "it still works" still_works
  timed "stores of others" stores_of_others
  managed_postgresql >"$target"
  timed "Postgres to a managed one" by_the_page move-a-store postgres
  timed "it still works" still_works
  printf 'postgresql: { managed: false, connection: { host: "", database: slipway, adminUser: postgres, ca: { secret: "" }, existingSecret: { name: "" } } }\n' >"$target"
  timed "and back" by_the_page move-a-store postgres
  timed "it still works" still_works
  timed "removed" by_the_page install-and-upgrade remove
  (unset values; export values=$work/values.yaml; timed "installed again" by_the_page install-and-upgrade install) || return 1
  timed "edge" reachable
  timed "it still works" still_works
}

managed_postgresql() {
  cat <<VALUES
postgresql:
  managed: true
  connection:
    host: postgresql.$stores.svc.cluster.local
    database: shop
    adminUser: cloudadmin
    ca: { secret: stores-ca }
    existingSecret: { name: stores }
    cidrs: [10.0.0.0/8]
VALUES
}
