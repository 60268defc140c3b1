#!/bin/sh
# Makes a fresh clone ready to run: checks the machine, installs packages, builds native/ and the runtimes.
# Every npm script that needs it calls it first; when nothing has changed it takes well under a second.
# `--dev` also installs what only tests and checks need, `--dev --vm` what the virtual machine of infra/vm needs too.
#
# Each check says in one sentence what is wrong and how to cure it, before anything is changed.
set -eu
cd "$(dirname "$0")/.."

mode=run
[ "${1:-}" = "--dev" ] && mode=dev

fail() {
  echo "mayfly: $*" >&2
  exit 1
}

# --- the machine ---

[ "$(uname -s)" = Linux ] || fail "Mayfly builds its sandboxes from Linux namespaces: run it on Linux, or in a Linux virtual machine."
case "$(uname -m)" in
  x86_64 | aarch64) ;;
  *) fail "Mayfly runs on x86_64 and aarch64, and this machine is $(uname -m): use one of the two." ;;
esac
[ "$(id -u)" = 0 ] || fail "Mayfly needs root to build sandboxes: run it with sudo, for example \"sudo npm start\"."

# cgroup.kill came with Linux 5.14 (Documentation/admin-guide/cgroup-v2.rst).
kernel=$(uname -r)
major=${kernel%%.*}
rest=${kernel#*.}
minor=${rest%%[!0-9]*}
if [ "$major" -lt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -lt 14 ]; }; then
  fail "Mayfly needs Linux 5.14 or newer (it ends sandboxes by cgroup.kill), and this is $kernel: boot a newer kernel."
fi

# --- packages of the distribution: command or file, then the Debian package that brings it ---

missing=""
need() {
  if ! command -v "$1" > /dev/null 2>&1 && [ ! -e "$1" ]; then missing="$missing $2"; fi
}
need redis-server redis-server
need cc gcc
need make make
need /usr/include/stdio.h libc6-dev
need busybox busybox-static
need /etc/ssl/certs/ca-certificates.crt ca-certificates
need setpriv util-linux
need ip iproute2
need nft nftables
if [ $mode = dev ]; then
  # For prometheus and promtool. Debian starts it as a service too, on port 9090, which no test uses.
  need prometheus prometheus
fi
if [ "${2:-}" = "--vm" ]; then
  need qemu-system-x86_64 qemu-system-x86
  need cpio cpio
  need mke2fs e2fsprogs
fi

if [ -n "$missing" ]; then
  command -v apt-get > /dev/null 2>&1 ||
    fail "This machine lacks$missing (names of Debian packages): install them with your package manager."
  echo "mayfly: installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # the list is meant to be split
  apt-get install -y -qq --no-install-recommends $missing > /dev/null 2>&1 || {
    # A fresh container has no package lists yet.
    apt-get update -qq || fail "apt-get cannot fetch its package lists: check this machine's network, then try again."
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing > /dev/null ||
      fail "apt-get could not install$missing: run \"apt-get install$missing\" to see why."
  }
fi

# --- packages of npm ---

# The npm that started this script put node_modules/.bin first in PATH; `npm ci` would delete the node it runs on.
npm_path=$(printf %s "$PATH" | tr : '\n' | grep -v 'node_modules' | paste -sd: -)

# npm_install FOLDER OPTIONS...: `npm ci`, unless the stamp says that it ran with this lock file.
npm_install() {
  folder=$1
  shift
  stamp="$folder/node_modules/.mayfly-stamp"
  want="$(sha256sum < "$folder/package-lock.json") $*"
  have=$(cat "$stamp" 2> /dev/null || true)
  # What was installed for development serves for running too.
  [ "$have" = "$want" ] && return
  [ -n "$*" ] && [ "$have" = "${want% "$*"} " ] && return
  echo "mayfly: installing npm packages of $folder"
  (cd "$folder" && PATH=$npm_path npm ci --ignore-scripts --no-audit --no-fund --loglevel=error "$@" > /dev/null) ||
    fail "npm ci failed in $folder: its messages above say why; most often the network or a proxy is missing."
  printf %s "$want" > "$stamp"
}

npm_major=$(PATH=$npm_path npm --version | cut -d. -f1)
[ "$npm_major" -ge 9 ] || fail "Mayfly needs npm 9 or newer to install its packages, and this is npm $npm_major: run \"npm install -g npm@9\"."

if [ $mode = dev ]; then npm_install .; else npm_install . --omit=dev; fi
npm_install runtimes/node
for lock in examples/*/package-lock.json; do
  [ -e "$lock" ] && npm_install "${lock%/package-lock.json}"
done

# --- what is built ---

make -s -C native || fail "native/ could not be compiled: the compiler's messages above say why."
PATH="$PWD/node_modules/.bin:$PATH" node --disable-warning=ExperimentalWarning runtimes/node/build-rootfs.ts ||
  fail "The root filesystem of the nodejs24 runtime could not be built: its message above says why."
