#!/bin/bash
stack='mirror' resource=Sink region='eu-west-1'
package_url='https://example.com/mirrorsink.rpm?v=1' package_sha256='22f7cfc66a867b432d8ee78c98600fbab3f2cc3591fdc1b9581a83fdba5a790a' policy_url=''
unit=mirrorsink.service ready=http://127.0.0.1:8080/readyz

configure() {
	cat >/etc/mirrorsink/listen.conf <<'EOF'
MIRRORSINK_OUTPUTS=
MIRRORSINK_OPTIONS=--config /etc/mirrorsink/listen.yaml
AWS_REGION=eu-west-1
EOF
	cat >/etc/mirrorsink/listen.yaml <<'EOF'
health: 0.0.0.0:8080
inventory: ec2
memory: 2GiB
receive-buffer: 64MiB
allow-source: [10.0.0.0/8]
parquet: ["s3://records"]
policy: /etc/mirrorsink/policy.yaml
policy-state: /var/lib/mirrorsink/policy.state
alert: ["sns:arn:aws:sns:eu-west-1:111122223333:mirror-alerts", "parquet:s3://records"]
cloudwatch-metrics: Mirrorsink
cloudwatch-dimension: Stack=mirror
EOF
	cat >/etc/mirrorsink/policy.yaml <<'EOF'
# No public destination is allowed by name, so that the alert is about all of them.
allow: []
alert:
  exfiltration: {bytes: 50MB, within: 5m}
EOF
	[ -z "$policy_url" ] || fetch "$policy_url" /etc/mirrorsink/policy.yaml
	cat >/etc/sysctl.d/90-mirrorsink.conf <<'EOF'
net.core.rmem_max = 67108864
net.core.netdev_max_backlog = 16384
EOF
	sysctl --system >/dev/null
}

# deploy/aws/user-data.sh
# The common end of the user data of all instances, below what their template has set and the function "configure", which writes files.
# CloudFormation would replace names in braces, so there are none here. Standard output and errors are in /var/log/cloud-init-output.log.
set -euo pipefail

# report tells CloudFormation once whether this instance works, so that a stack or an update that does not is rolled back.
report() {
	status=$?
	trap - EXIT
	[ "$status" = 0 ] || echo "mirrorsink: the instance was not set up, status $status" >&2
	for program in /opt/aws/bin/cfn-signal /usr/local/bin/cfn-signal; do
		if [ -x "$program" ]; then
			"$program" --exit-code "$status" --stack "$stack" --resource "$resource" --region "$region" || true
			break
		fi
	done
	exit "$status"
}
trap report EXIT

fetch() { # URL FILE
	case $1 in
	s3://*) aws s3 cp --no-progress --region "$region" "$1" "$2" ;;
	https://*) curl --fail --silent --show-error --location --proto =https --retry 5 --retry-delay 2 --output "$2" "$1" ;;
	*)
		echo "mirrorsink: $1 is neither https:// nor s3://" >&2
		return 1
		;;
	esac
}

kind=$(printf %s "$package_url" | sed 's/[?#].*//; s/.*\.//')
package=$(mktemp -d)/mirrorsink.$kind
tries=0
until fetch "$package_url" "$package"; do # a public address, or a NAT gateway, may come after the instance
	tries=$((tries + 1))
	[ "$tries" -lt 20 ] || exit 1
	sleep 15
done
echo "$package_sha256  $package" | sha256sum --check --status || {
	echo "mirrorsink: the SHA-256 of $package_url is $(sha256sum <"$package" | cut -c 1-64), not $package_sha256" >&2
	exit 1
}
case $kind in
rpm) dnf install --assumeyes --disablerepo='*' "$package" ;; # it needs nothing else, so that no repository need be reachable
deb) DEBIAN_FRONTEND=noninteractive apt-get install --yes "$package" ;;
*)
	echo "mirrorsink: $package_url is neither a .rpm nor a .deb" >&2
	exit 1
	;;
esac

install -d -m 755 /etc/mirrorsink
configure

systemctl daemon-reload
systemctl enable "$unit"
# Not waited for: the role may be known to AWS some seconds later than to the instance, and systemd starts the program again then.
systemctl restart --no-block "$unit"
# A sink is ready when it receives, which its health port says. Others are when they are active.
if [ -n "$ready" ]; then
	curl --fail --silent --show-error --retry 60 --retry-delay 2 --retry-all-errors --output /dev/null "$ready"
else
	tries=0
	until systemctl is-active --quiet "$unit"; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || exit 1
		sleep 2
	done
fi
