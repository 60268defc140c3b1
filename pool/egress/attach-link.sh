#!/bin/sh
# Gives a namespace set its way out: a veth pair, one end in the worker's network namespace, one inside as eth0.
# Called by egress-network.ts while nobody waits: attach-link.sh LINK PID ADDRESS GATEWAY
#
# The link is point to point without a network: the sandbox has one address (/32), its default route goes to GATEWAY,
# which exists nowhere, and both ends know the other's hardware address for good. So nothing is asked by ARP and
# nothing can answer falsely, and the worker's end needs no address that a function could talk to.
set -eu
link=$1 pid=$2 address=$3 gateway=$4
outer=02:00:00:00:00:01
inner=02:00:00:00:00:02

ip -batch - << END
link add $link address $outer type veth peer name eth0 address $inner netns $pid
link set $link addrgenmode none arp off up
route add $address/32 dev $link
neigh add $address lladdr $inner nud permanent dev $link
END
# A kernel without IPv6 does not have these.
[ ! -e "/proc/sys/net/ipv6/conf/$link" ] || echo 1 > "/proc/sys/net/ipv6/conf/$link/disable_ipv6"

# /proc/sys/net is that of the network namespace of whoever opens it. An orphaned connection keeps its namespace
# alive: one try more, then it ends.
nsenter --net="/proc/$pid/ns/net" sh -euc '
  [ ! -e /proc/sys/net/ipv6/conf/eth0 ] || echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6
  echo 1 > /proc/sys/net/ipv4/tcp_orphan_retries
  exec ip -batch -' << END
link set eth0 addrgenmode none arp off up
addr add $address/32 dev eth0
neigh add $gateway lladdr $outer nud permanent dev eth0
route add default via $gateway dev eth0 onlink
END
