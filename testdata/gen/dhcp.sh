#!/bin/sh
# Records dhcp.txtar, as root, in network namespaces of its own: Debian's udhcpc asks udhcpd, which grants a lease. From
# testdata/l7:
#
#     ../gen/dhcp.sh
#
# It needs udhcpc, udhcpd, iproute2, tcpdump and tshark.
set -eu
dir=$(mktemp -d)
client=dhcp-client-$$ server=dhcp-server-$$
trap 'kill $pids 2>/dev/null || true; ip netns del $client; ip netns del $server; rm -r "$dir"' EXIT
pids=

ip netns add $client
ip netns add $server
ip link add eth0 netns $client address 02:00:00:00:00:01 type veth peer name eth0 netns $server
ip -n $client link set eth0 up
ip -n $server link set eth0 up
ip -n $server addr add 192.0.2.1/24 dev eth0

cat > "$dir/conf" <<END
start 192.0.2.100
end 192.0.2.200
interface eth0
lease_file $dir/leases
pidfile $dir/pid
option subnet 255.255.255.0
option router 192.0.2.1
option dns 192.0.2.53 192.0.2.54
option domain example.com
option lease 3600
END
touch "$dir/leases"
ip netns exec $server udhcpd -f "$dir/conf" 2>"$dir/log" &
pids="$pids $!"
ip netns exec $client tcpdump -i eth0 -U -w "$dir/pcap" udp port 67 2>"$dir/log2" &
pids="$pids $!"
sleep 1
ip netns exec $client udhcpc -i eth0 -f -q -n -s /bin/true -F anne.example.com -x hostname:anne -V 'printer 7' -O ntpsrv 2>"$dir/log3"
sleep 1

{
	echo "Debian's udhcpc and udhcpd. The client gets a lease."
	echo
	echo "    udhcpc -F anne.example.com -x hostname:anne -V 'printer 7' -O ntpsrv"
	echo
	echo "-- datagrams --"
	tshark -n -r "$dir/pcap" -T fields -e udp.srcport -e udp.payload 2>"$dir/log4" |
		sed 's/^68\t/> /; s/^67\t/< /; s/.\{98\}/&\n  /; :a; s/\(\n  [^\n]\{96\}\)\([^\n]\)/\1\n  \2/; ta'
} > dhcp.txtar
