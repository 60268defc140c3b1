#!/bin/sh
# in-own-cgroup.sh COMMAND...: runs the command in a cgroup of its own where systemd manages cgroup v2, because
# controllers can only be handed down from a cgroup that is delegated to us (systemd.resource-control(5), Delegate=).
# Elsewhere (hybrid machines, containers, other inits) the command runs where it is.
set -eu

if [ -z "${MAYFLY_SCOPE:-}" ] && [ -d /run/systemd/system ] && [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  MAYFLY_SCOPE=1
  export MAYFLY_SCOPE
  exec systemd-run --scope --quiet --property=Delegate=yes -- "$@"
fi
exec "$@"
