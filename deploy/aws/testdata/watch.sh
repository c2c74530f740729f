#!/bin/bash
stack='mirror' resource=Watcher region='eu-west-1'
package_url='https://example.com/mirrorsink.rpm?v=1' package_sha256='22f7cfc66a867b432d8ee78c98600fbab3f2cc3591fdc1b9581a83fdba5a790a' spec_url=''
unit=mirrorsink-sessions.service ready=

configure() {
	cat >/etc/mirrorsink/sessions.conf <<'EOF'
AWS_REGION=eu-west-1
EOF
	cat >/etc/mirrorsink/sessions.yaml <<'EOF'
owner: mirror
targets: {sink: {network-load-balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/mirror/0123456789abcdef"}}
filters: {everything: {}}
sources:
  tagged:
    tags: {"mirror": "yes"}
    exclude: {tags: {"mirrorsink:role": sink}}
    optional: true
sessions: {tagged: {sources: tagged, filter: everything, target: sink}}
EOF
	[ -z "$spec_url" ] || fetch "$spec_url" /etc/mirrorsink/sessions.yaml
}

# deploy/aws/user-data.sh
