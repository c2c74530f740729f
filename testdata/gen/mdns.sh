#!/bin/sh
# Records dns-mdns.txtar, as root, in network namespaces of its own: Python's zeroconf (PyPI) offers a service, and looks for
# it. From testdata/l7:
#
#     ../gen/mdns.sh
#
# It needs iproute2, tcpdump and tshark.
set -eu
dir=$(mktemp -d)
client=mdns-client-$$ server=mdns-server-$$
trap 'kill $pids 2>/dev/null || true; ip netns del $client; ip netns del $server; rm -r "$dir"' EXIT
pids=

ip netns add $client
ip netns add $server
ip link add eth0 netns $client type veth peer name eth0 netns $server
for end in "$client 192.0.2.1" "$server 192.0.2.2"; do
	set -- $end
	ip -n $1 link set eth0 up
	ip -n $1 addr add $2/24 dev eth0
	ip -n $1 route add default dev eth0
done

cat > "$dir/server.py" <<'END'
import time, zeroconf
z = zeroconf.Zeroconf(["192.0.2.2"], ip_version=zeroconf.IPVersion.V4Only)
z.register_service(zeroconf.ServiceInfo("_ipp._tcp.local.", "Printer 7._ipp._tcp.local.", 631, addresses=[bytes([192, 0, 2, 2])],
    properties={"note": "hall"}, server="printer7.local."))
time.sleep(60)
END
cat > "$dir/client.py" <<'END'
import zeroconf
z = zeroconf.Zeroconf(["192.0.2.1"], ip_version=zeroconf.IPVersion.V4Only)
print(z.get_service_info("_ipp._tcp.local.", "Printer 7._ipp._tcp.local."))
END
ip netns exec $server python3 "$dir/server.py" 2>"$dir/log" &
pids="$pids $!"
sleep 4
ip netns exec $client tcpdump -i eth0 -U -w "$dir/pcap" udp port 5353 2>"$dir/log2" &
pids="$pids $!"
sleep 1
ip netns exec $client timeout 10 python3 "$dir/client.py"
sleep 1

{
	echo "Multicast DNS between two of Python's zeroconf: one resolves a service of the other."
	echo
	echo "-- datagrams --"
	tshark -n -r "$dir/pcap" -T fields -e ip.src -e udp.payload 2>"$dir/log4" |
		sed 's/^192.0.2.1\t/> /; s/^192.0.2.2\t/< /; s/.\{98\}/&\n  /; :a; s/\(\n  [^\n]\{96\}\)\([^\n]\)/\1\n  \2/; ta'
} > dns-mdns.txtar
