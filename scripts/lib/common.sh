# Sourced by the scripts: where the repository is, messages, and how to become root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Daemons and ip stand in sbin, which is not in everybody's PATH; Deno's own way puts it under the home.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:${HOME:-/root}/.deno/bin

# Runs a command as root: as it is for root, through sudo for anybody else.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "this needs root: $*
  run this script as root, or install sudo"
  fi
}

# The package lists are fetched once a machine; a list that is there is used as it is.
apt_lists() {
  local lists=(/var/lib/apt/lists/*_Packages*)
  [ -e "${lists[0]}" ] && return
  say "fetching the package lists (apt-get update)"
  as_root apt-get update -q >&2
}

# Several scripts may come to the package manager at once: they wait for each other.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2; }

apt_install() {
  apt_lists
  say "installing $*"
  apt_get install -y --no-install-recommends "$@" && return
  say "that failed; the package lists may be old: fetching them"
  apt_get update
  apt_get install -y --no-install-recommends "$@"
}
