#!/usr/bin/env bash
# Makes the captures of this folder and of the demo from real programs, in network namespaces of its own:
#
#   ms-WORKLOAD ---veth--- ms-NET-hv ---veth--- ms-NET-far     a program, its network, and its servers
#                              |  tc mirred: every frame of the workload's interface, both ways
#                            vxN, a kernel VXLAN device
#                              |
#                          ms-fabric ---veth--- ms-sink        where the mirrored copies arrive
#
# The classifier is a BPF program that accepts everything, since not every kernel has matchall. Needs root, Go, and the
# Debian packages iproute2 ethtool tcpdump curl openssl bind9-dnsutils iputils-ping wireshark-common (editcap, mergecap).
set -euo pipefail
cd "$(dirname "$0")"

tmp=$(mktemp -d)
captures=()

cleanup() {
	local n
	for n in $(ip netns list | awk '/^ms-/ {print $1}'); do
		ip netns pids "$n" | xargs -r kill 2>/dev/null || true
		ip netns del "$n"
		rm -rf "/etc/netns/$n"
	done
	rm -rf "$tmp"
}
trap cleanup EXIT

on() { ip netns exec "ms-$1" "${@:2}"; }

namespace() {
	ip netns add "ms-$1"
	ip -n "ms-$1" link set lo up
}

# link NS1 IF1 NS2 IF2 [MTU]
link() {
	ip -n "ms-$1" link add "$2" type veth peer name "$4" netns "ms-$3"
	interface_up "$1" "$2" "${5:-1500}"
	interface_up "$3" "$4" "${5:-1500}"
}

# interface_up NS IF MTU: offloads are off, so that captures have the frames of a wire, with checksums. Router
# solicitations are off, since there are no routers.
interface_up() {
	on "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null
	on "$1" sysctl -qw "net.ipv6.conf.$2.router_solicitations=0"
	ip -n "ms-$1" link set "$2" mtu "$3" up
}

# network NET: the servers, with all the addresses of gen/internal/dns/zone.go, and the resolver's.
network() {
	local net=$1 hv=$1-hv far=$1-far a
	namespace "$hv"
	namespace "$far"
	on "$hv" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	link "$hv" far0 "$far" eth0
	ip -n "ms-$hv" addr add 10.0.0.1/24 dev far0
	ip -n "ms-$hv" addr add 2001:db8:1::1/64 dev far0 nodad
	ip -n "ms-$hv" addr add fd00:ec2::1/64 dev far0 nodad
	for a in 10.0.0.2/24 {10.0.4.2{0,1},198.51.100.1{0,1,2},203.0.113.{2{0,1},3{0,1,2,3},4{0,1,2},66}}/32; do
		ip -n "ms-$far" addr add "$a" dev eth0
	done
	for a in 2001:db8:1::{10,20}/64 fd00:ec2::253/64; do
		ip -n "ms-$far" addr add "$a" dev eth0 nodad
	done
	ip -n "ms-$far" route add default via 10.0.0.1
	ip -n "ms-$far" route add default via 2001:db8:1::1
	for a in 10.0.4.0/24 198.51.100.0/24 203.0.113.0/24; do
		ip -n "ms-$hv" route add "$a" via 10.0.0.2
	done
	on "$far" "$tmp/gen" server -dns 10.0.0.2,fd00:ec2::253 2>>"$tmp/log" &
	on "$far" openssl s_server -quiet -www -accept 8443 -cert "$tmp/cert.pem" -key "$tmp/key.pem" >>"$tmp/log" 2>&1 &
}

# workload NET NAME N: 10.0.N.10 and 2001:db8:aN::10, behind its own interface of the network.
workload() {
	local hv=$1-hv name=$2 n=$3
	namespace "$name"
	link "$name" eth0 "$hv" "w$n"
	ip -n "ms-$name" link set eth0 address "02:00:00:00:0$n:10"
	ip -n "ms-$hv" link set "w$n" address "02:00:00:00:0$n:01"
	ip -n "ms-$name" addr add "10.0.$n.10/24" dev eth0
	ip -n "ms-$name" addr add "2001:db8:a$n::10/64" dev eth0 nodad
	ip -n "ms-$hv" addr add "10.0.$n.1/24" dev "w$n"
	ip -n "ms-$hv" addr add "2001:db8:a$n::1/64" dev "w$n" nodad
	ip -n "ms-$name" route add default via "10.0.$n.1"
	ip -n "ms-$name" route add default via "2001:db8:a$n::1"
	mkdir -p "/etc/netns/ms-$name"
	echo 'nameserver 10.0.0.2' >"/etc/netns/ms-$name/resolv.conf"
}

# mirror NET IF VNI OUTER: copies what passes the hypervisor's end of an interface to the sink, from the address OUTER.
mirror() {
	local hv=$1-hv dev=$2 vni=$3 outer=$4 hook
	ip -n ms-fabric addr add "$outer/32" dev lo 2>/dev/null || true
	ip -n ms-fabric link add "vx$vni" type vxlan id "$vni" local "$outer" remote 10.255.0.2 dstport 4789 \
		srcport 65408 65535 ttl 255 nolearning
	ip -n ms-fabric link set "vx$vni" netns "ms-$hv"
	on "$hv" sysctl -qw "net.ipv6.conf.vx$vni.disable_ipv6=1"
	ip -n "ms-$hv" link set "vx$vni" up
	tc -n "ms-$hv" qdisc add dev "$dev" clsact
	for hook in ingress egress; do
		tc -n "ms-$hv" filter add dev "$dev" "$hook" protocol all bpf bytecode '1,6 0 0 4294967295' \
			action mirred egress mirror dev "vx$vni"
	done
}

# capture NS IF FILE [TCPDUMP ARGS]: it does not call on, so that $! is tcpdump itself.
capture() {
	local log=$tmp/tcpdump.${#captures[@]}
	rm -f "$log"
	ip netns exec "ms-$1" tcpdump -q -i "$2" -s 65535 -B 32768 -w "$3" --immediate-mode -U -Z root "${@:4}" 2>"$log" &
	captures+=($!)
	until grep -qs listening "$log"; do sleep 0.1; done
}

capture_end() {
	sleep 1
	kill "${captures[@]}"
	wait "${captures[@]}"
	captures=()
	if grep -h 'dropped by kernel' "$tmp"/tcpdump.* | grep -v '^0 packets'; then
		echo 'tcpdump lost packets: try again' >&2
		return 1
	fi
	rm -f "$tmp"/tcpdump.*
}

# both NAME FUNCTION: runs one kind of traffic on the workload app; plain at its interface, and the copies at the sink.
both() {
	capture app eth0 "plain-$1.pcap" ip or ip6
	capture sink eth0 "mirror-$1.pcap" udp port 4789
	"$2"
	capture_end
}

fetch() { on "$1" curl -skS -m 10 -o /dev/null "${@:2}" || echo "curl gave $? for ${*:2}" >>"$tmp/log"; }
ask() { on "$1" dig +tries=1 +timeout=3 "${@:2}" >>"$tmp/log"; }

http() {
	fetch app http://api.example.com/ -o /dev/null http://api.example.com/bytes/3000 -o /dev/null http://api.example.com/missing
	fetch app -I http://www.example.com/
	fetch app http://www.example.com/chunked
	fetch app -H 'Expect: 100-continue' --data-binary "@$tmp/body" http://hooks.example.org/upload
	fetch app -L http://updates.example.net/old
	fetch app -6 'http://v6.example.net/bytes/100?a=b&c=d'
	fetch app -A 'agent/1.0' -H 'Host: metrics.internal.test:8080' http://10.0.4.21/
	fetch app --http1.0 http://orders.internal.test/
}

tls() {
	fetch app --tls-max 1.2 https://api.example.com/
	fetch app --tlsv1.3 https://www.example.com/
	fetch app --http1.1 https://auth.example.com/ -o /dev/null https://auth.example.com/bytes/2000
	fetch app -6 https://v6.example.net/
	fetch app https://203.0.113.66/
	on app openssl s_client -connect payments.example.org:8443 -servername payments.example.org -tls1_2 -alpn http/1.1 \
		</dev/null >>"$tmp/log" 2>&1 || true
	on app openssl s_client -connect payments.example.org:8443 -noservername -tls1_3 </dev/null >>"$tmp/log" 2>&1 || true
	on app "$tmp/gen" get https://search.example.com/ \
		https://post-quantum-key-exchange.a-name-that-is-long-enough-to-fill-the-segment.example.net/
}

dns() {
	local t
	for t in A AAAA MX TXT NS SOA CAA HTTPS; do ask app example.com "$t"; done
	ask app www.example.com A
	ask app www.example.com AAAA
	ask app _sip._tcp.example.com SRV
	ask app -x 198.51.100.10
	ask app nowhere.example.org A
	ask app v6.example.net A
	ask app +noedns ExAmPlE.cOm A
	ask app +tcp +keepopen api.example.com A auth.example.com A
	ask app +bufsize=1232 big.example.org TXT
	ask app @fd00:ec2::253 edge.example.net AAAA
	ask app @fd00:ec2::253 +tcp edge.example.net AAAA
}

misc() {
	on app ping -q -c 3 -i 0.2 198.51.100.10 >>"$tmp/log"
	on app ping -q -c 2 -i 0.2 -s 3000 198.51.100.11 >>"$tmp/log"
	on app ping -6 -q -c 2 -i 0.2 2001:db8:1::10 >>"$tmp/log"
	on app ping -6 -q -c 2 -i 0.2 -s 3000 2001:db8:1::10 >>"$tmp/log"
	ask app +bufsize=4096 +ignore big.example.org TXT
	ask app @fd00:ec2::253 +bufsize=4096 +ignore big.example.org TXT
	ask app @198.51.100.10 -p 5353 example.com A || true
	fetch app http://198.51.100.10:81/
	on app ping -q -c 1 -W 1 192.0.2.1 >>"$tmp/log" || true
}

# Two hosts with the same addresses and ports in two networks, which differ in VNI and outer source only.
overlap() {
	fetch app --local-port 40001 http://api.example.com/ &
	fetch twin --local-port 40001 http://auth.example.com/ --resolve auth.example.com:80:198.51.100.10
	wait $!
	ask app -b 10.0.1.10#40002 login.example.com A
	ask twin -b 10.0.1.10#40002 hooks.example.org A
}

# Both ends of the connection are mirrored: each packet arrives twice.
both_ends() { fetch app http://peer.example.test/ --resolve peer.example.test:80:10.0.2.10; }

# Half a minute of typical traffic of three workloads.
demo() {
	local pids=()
	for _ in {1..5}; do
		fetch app https://api.example.com/bytes/1500
		sleep 1
		fetch app https://auth.example.com/
		fetch app http://orders.internal.test/bytes/400
		sleep 2
		fetch app https://payments.example.org/
		sleep 2
	done &
	pids+=($!)
	for _ in {1..6}; do
		fetch web https://images.example.com/bytes/1500
		sleep 0.7
		fetch web https://login.example.com/
		fetch web https://search.example.com/
		sleep 1
		fetch web http://metrics.internal.test/bytes/900
		sleep 2.5
	done &
	pids+=($!)
	for _ in {1..2}; do
		fetch batch http://updates.example.net/bytes/5000
		sleep 1
		on batch "$tmp/gen" get https://registry.example.org/
		sleep 3
		fetch batch https://packages.example.org/bytes/2000
		fetch batch -H 'Expect: 100-continue' --data-binary "@$tmp/body" http://hooks.example.org/upload
		fetch batch https://203.0.113.66/
		ask batch example.com MX
		sleep 2
		fetch batch -6 https://v6.example.net/
		fetch batch https://telemetry.example.net/
		on batch ping -q -c 2 198.51.100.10 >>"$tmp/log"
		sleep 2
	done &
	pids+=($!)
	wait "${pids[@]}"
}

build() {
	go build -o "$tmp/gen" ./gen
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" \
		-days 1 -subj /CN=payments.example.org 2>/dev/null
	head -c 5000 /dev/zero | tr '\0' m >"$tmp/body"
}

topology() {
	namespace fabric
	namespace sink
	link fabric eth0 sink eth0 9001
	ip -n ms-fabric addr add 10.255.0.1/24 dev eth0
	ip -n ms-sink addr add 10.255.0.2/24 dev eth0
	# A socket that reads nothing holds the port, or the sink would answer with ICMP port unreachable.
	on sink sleep infinity &
	network a
	network b
	workload a app 1
	workload a web 2
	workload a batch 3
	workload b twin 1
	mirror a w1 101 10.0.1.10
	mirror a w2 102 10.0.2.10
	mirror b w1 201 10.8.1.10
	on web "$tmp/gen" server -dns 10.0.2.10 2>>"$tmp/log" &
	sleep 2
	local w
	for w in app web batch twin; do on "$w" ping -q -c 1 10.0.0.2 >>"$tmp/log"; done
}

# The formats of capture files, with the same content.
formats() {
	local in=plain-dns.pcap
	capture app any format-sll.pcap -y LINUX_SLL ip or ip6
	capture app any format-sll2.pcap -y LINUX_SLL2 ip or ip6
	capture app eth0 format-ethernet.pcap ip or ip6
	capture app eth0 format-nanosecond.pcap --nano ip or ip6
	capture app eth0 format-snap96.pcap -s 96 ip or ip6
	fetch app http://api.example.com/bytes/600
	ask app @fd00:ec2::253 example.com MX
	capture_end
	in=format-ethernet.pcap
	editcap -F pcapng "$in" format-pcapng.pcapng
	editcap -F pcap -T rawip -C 14 "$in" format-rawip.pcap
	"$tmp/gen" variants "$in" format-big-endian.pcap big-endian
	"$tmp/gen" variants "$in" format-null.pcap null
	gzip -9nc "$in" >format-ethernet.pcap.gz
}

demo_capture() {
	rm -f "$tmp/tcpdump"
	local w
	for w in app web batch; do capture "$w" eth0 "$tmp/$w.pcap" ip or ip6; done
	demo
	capture_end
	mkdir -p ../cmd/mirrorsink/internal/demo
	mergecap -F pcap -w - "$tmp"/{app,web,batch}.pcap | gzip -9n >../cmd/mirrorsink/internal/demo/workloads.pcap.gz
}

build
topology
both http http
both tls tls
both dns dns
both misc misc
capture sink eth0 mirror-overlap.pcap udp port 4789
overlap
capture_end
capture sink eth0 mirror-both-ends.pcap udp port 4789
both_ends
capture_end
formats
demo_capture
ls -l ./*.pcap* ../cmd/mirrorsink/internal/demo
