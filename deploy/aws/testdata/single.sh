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
