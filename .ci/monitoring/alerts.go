package main

import "strings"

// groups are all alert rules.
var groups = []group{
	{"receiving", receiving},
	{"loss", loss},
	{"memory", memory()},
	{"delivery", delivery},
	{"inventory", inventory},
	{"alerts", alerts},
	{"forwarding", forwarding},
	{"sessions", watching},
}

// constant and growing are counters in tests: minute by minute for two hours.
const (
	constant = "7x120"
	growing  = "0+60x120"
)

// grows returns the test of a rule that fires once a counter grows. The series is by its name without "mirrorsink_".
func grows(series string, labels map[string]string) test {
	return test{fires: map[string]string{series: growing}, quiet: map[string]string{series: constant}, labels: labels}
}

// share returns the test of a rule on the share of one counter in another, of which it is a tenth.
func share(series, of, value string) test {
	return test{
		fires: map[string]string{series: growing, of: "0+600x120"}, quiet: map[string]string{series: constant, of: "0+600x120"}, value: value,
	}
}

// labels are names and values, of labels or of series.
type labels = map[string]string

var receiving = []rule{
	{
		"Down", critical, `up{job=~"mirrorsink.*"} == 0`, "5m",
		`{{ $labels.instance }} does not answer`,
		`Prometheus has not reached /metrics of {{ $labels.instance }} (job {{ $labels.job }}) for five minutes. The log and systemctl status tell why.`,
		"operations.md#open-ports",
		test{fires: labels{"up": "0x120"}, quiet: labels{"up": "1x120"}},
	}, {
		"NoPackets", critical, `sum by (job) (rate(mirrorsink_datagrams_received_total[5m])) == 0`, "10m",
		`No sink of {{ $labels.job }} receives packets`,
		`Nothing was received for 10 minutes. Look at the mirror sessions, the security group of the target and the load balancer: mirrorsink doctor -f SPEC checks them.`,
		"operations.md#troubleshooting",
		test{
			fires: labels{"datagrams_received_total": constant, `datagrams_received_total{instance="sink-2"}`: constant},
			quiet: labels{"datagrams_received_total": constant, `datagrams_received_total{instance="sink-2"}`: growing}, noInstance: true,
		},
	}, {
		"SinkIdle", warning,
		`rate(mirrorsink_datagrams_received_total[10m]) == 0 and on (job) sum by (job) (rate(mirrorsink_datagrams_received_total[10m])) > 0`, "30m",
		`{{ $labels.instance }} receives nothing, and others do`,
		`The load balancer sends nothing to {{ $labels.instance }}: it may be unhealthy there, in a zone without sources, or have no sources by its address.`,
		"operations.md#on-aws",
		test{
			fires: labels{"datagrams_received_total": constant, `datagrams_received_total{instance="sink-2"}`: growing},
			late:  true, quiet: labels{"datagrams_received_total": growing, `datagrams_received_total{instance="sink-2"}`: growing},
		},
	}, {
		"UnreadableDatagrams", warning,
		`sum by (job, instance, reason) (rate(mirrorsink_datagrams_total{reason!~"ok|fragment|not_ip"}[5m])) / on (job, instance) group_left () rate(mirrorsink_datagrams_received_total[5m]) > 0.01`, "10m",
		`{{ $labels.instance }} cannot read some datagrams: {{ $labels.reason }}`,
		`{{ $value | humanizePercentage }} of the datagrams are {{ $labels.reason }}: something else than a mirror sends to this port, or --allow-source and --allow-vni refuse a session.`,
		"operations.md#losses",
		test{
			fires:  labels{`datagrams_total{reason="no_vni"}`: growing, "datagrams_received_total": "0+600x120"},
			quiet:  labels{`datagrams_total{reason="ok"}`: growing, `datagrams_total{reason="no_vni"}`: constant, "datagrams_received_total": "0+600x120"},
			labels: labels{"reason": "no_vni"}, value: "10%",
		},
	}, {
		"Restarts", warning, `resets(mirrorsink_datagrams_received_total[1h]) > 2`, "1m",
		`{{ $labels.instance }} was restarted several times within an hour`,
		`The log has the reason. With systemd, the watchdog ends a sink whose workers do not go on, with their stacks in the journal.`,
		"operations.md#under-systemd",
		test{fires: labels{"datagrams_received_total": "0+1x40 0+1x10 0+1x10 0+1x60"}, late: true, quiet: labels{"datagrams_received_total": "0+1x60 0+1x60"}},
	}, {
		"InterfaceLost", warning, `increase(mirrorsink_interface_losses_total[10m]) > 0`, "1m",
		`The interface that {{ $labels.instance }} reads was down or missing`,
		`Packets that were sent meanwhile are not counted anywhere.`,
		"operations.md#receiving-faster-the-packet-ring", grows("interface_losses_total", nil),
	}, {
		"ClockSet", warning, `increase(mirrorsink_clock_steps_total[15m]) > 0`, "1m",
		`The clock of {{ $labels.instance }} was set`,
		`Flows and aggregation windows have its time. Let chrony or systemd-timesyncd slew it.`,
		"operations.md#losses", grows("clock_steps_total", nil),
	},
}

var loss = []rule{
	{
		"KernelDrops", warning,
		`rate(mirrorsink_kernel_drops_total[5m]) / (rate(mirrorsink_datagrams_received_total[5m]) + rate(mirrorsink_kernel_drops_total[5m])) > 0.001`, "5m",
		`The kernel drops datagrams of {{ $labels.instance }}`,
		`{{ $value | humanizePercentage }} of the datagrams arrive faster than they are read. Remedies: a larger --receive-buffer, more cores, the packet ring.`,
		"operations.md#losses",
		test{
			fires: labels{"kernel_drops_total": growing, "datagrams_received_total": "0+5940x120"},
			quiet: labels{"kernel_drops_total": "0+1x120", "datagrams_received_total": "0+5940x120"}, value: "1%",
		},
	}, {
		"KernelDropsHigh", critical,
		`rate(mirrorsink_kernel_drops_total[5m]) / (rate(mirrorsink_datagrams_received_total[5m]) + rate(mirrorsink_kernel_drops_total[5m])) > 0.05`, "5m",
		`The kernel drops many datagrams of {{ $labels.instance }}`,
		`{{ $value | humanizePercentage }} of the datagrams are lost. The sink is too small for its traffic: more of them, or larger ones.`,
		"operations.md#losses",
		test{
			fires: labels{"kernel_drops_total": growing, "datagrams_received_total": "0+540x120"},
			quiet: labels{"kernel_drops_total": growing, "datagrams_received_total": "0+5940x120"}, value: "10%",
		},
	}, {
		"RingFreezes", warning, `increase(mirrorsink_ring_freezes_total[10m]) > 0`, "5m",
		`A reader of {{ $labels.instance }} was a whole packet ring behind`,
		`Few freezes: a larger --receive-buffer bridges the delays of a reader. Many: more workers.`,
		"operations.md#losses", grows("ring_freezes_total", nil),
	}, {
		"OversizedDatagrams", warning, `increase(mirrorsink_oversized_datagrams_total[10m]) > 0`, "5m",
		`{{ $labels.instance }} reads some datagrams in part`,
		`They are longer than a receive slot, or came in IP fragments at a packet ring.`,
		"operations.md#losses", grows("oversized_datagrams_total", nil),
	}, {
		"TruncatedPackets", warning, `rate(mirrorsink_truncated_packets_total[15m]) / rate(mirrorsink_datagrams_received_total[15m]) > 0.05`, "15m",
		`Copies that {{ $labels.instance }} receives are truncated`,
		`{{ $value | humanizePercentage }} of the packets are truncated by the packet length of their session or by the MTU of the target.`,
		"operations.md#troubleshooting", share("truncated_packets_total", "datagrams_received_total", "10%"),
	}, {
		"CopiesLost", warning, `rate(mirrorsink_lost_bytes_total[15m]) / rate(mirrorsink_received_bytes_total[15m]) > 0.01`, "15m",
		`Copies are lost before they reach {{ $labels.instance }}`,
		`Of TCP connections {{ $value | humanizePercentage }} of the received bytes are missing. CloudWatch's NetworkPacketsSkipMirrorIn and NetworkPacketsSkipMirrorOut show whether the sources skip copies.`,
		"operations.md#losses", share("lost_bytes_total", "received_bytes_total", "10%"),
	}, {
		"HandoversDropped", warning, `increase(mirrorsink_handovers_dropped_total[10m]) > 0`, "5m",
		`Reassembled packets of {{ $labels.instance }} are missing from their flows`,
		`A worker was too busy to take packets that another one had reassembled from IP fragments.`,
		"operations.md#losses", grows("handovers_dropped_total", nil),
	}, {
		"EventsDropped", critical, `sum by (job, instance, kind) (increase(mirrorsink_events_total{outcome="dropped"}[5m])) > 0`, "5m",
		`{{ $labels.instance }} loses events of the kind {{ $labels.kind }}`,
		`An output is slower than the traffic, or fails: see the log. Remedies: a faster reader or disk, a larger --memory.`,
		"operations.md#losses", grows(`events_total{kind="flow",outcome="dropped"}`, labels{"kind": "flow"}),
	}, {
		"CountersDisagree", warning,
		`abs(mirrorsink_datagrams_received_total - on (job, instance) sum by (job, instance) (mirrorsink_datagrams_total)) > 0`, "5m",
		`The counters of {{ $labels.instance }} disagree`,
		`The datagrams received are not the sum over their reasons, which they are at all times. This is a bug: please report it.`,
		"operations.md#losses",
		test{
			fires: labels{"datagrams_received_total": growing, `datagrams_total{reason="ok"}`: "0+59x120"},
			quiet: labels{"datagrams_received_total": growing, `datagrams_total{reason="ok"}`: "0+40x120", `datagrams_total{reason="bad_ip"}`: "0+20x120"},
		},
	},
}

// memory returns the rules for what is evicted because --memory is full.
func memory() (all []rule) {
	for _, m := range []struct{ name, series, what, effect string }{
		{"FlowsEvicted", `flows_ended_total{reason="forced"}`, "flows", "Flows end early, with the reason forced. Their counts are right, and flows that go on begin anew."},
		{"StreamsEvicted", "streams_evicted_total", "streams", "Connections are reported as far as they were parsed: names and messages may be missing."},
		{"NamesRefused", "names_refused_total", "names", "Further flows have no name."},
		{"NamesUndecided", "names_undecided_total", "events that wait for DNS", "Events say nothing about direct_to_address and sni_not_in_dns."},
		{"DNSAnswersEvicted", "dns_answers_evicted_total", "DNS answers", "Connections to addresses of old answers may have no name by DNS."},
		{"PairsEvicted", "pairs_evicted_total", "packets that are mirrored at both ends", "Their two copies may count twice."},
		{"FragmentsEvicted", "fragments_evicted_total", "IP fragments", "Their packets are read as far as they came."},
		{"SegmentsEvicted", "segments_evicted_total", "TCP segments that wait for the other direction", "They are taken in the order in which they came."},
		{"AlertStateEvicted", "alert_state_evicted_total", "what alerts remember", "Alerts may come late or again."},
		{"MirrorSessionsRefused", "mirror_sessions_refused_packets_total", "mirror sessions", "Packets of further sessions are not inspected."},
	} {
		of := labels{}
		if strings.Contains(m.series, `reason="forced"`) {
			of["reason"] = "forced"
		}
		all = append(all, rule{
			m.name, warning, `rate(mirrorsink_` + m.series + `[10m]) > 0`, "10m",
			`The memory of {{ $labels.instance }} for ` + m.what + ` is full`,
			m.effect + ` Remedy: a larger --memory, or more sinks.`,
			"operations.md#memory", grows(m.series, of),
		})
	}
	return all
}

var delivery = []rule{
	{
		"SpoolOld", warning, `mirrorsink_spool_oldest_age_seconds > 900`, "5m",
		`Records of {{ $labels.instance }} wait for {{ $labels.destination }}`,
		`The oldest file waits for {{ $value | humanizeDuration }}. mirrorsink_delivery_failures_total has the reasons by kind, the log the last one.`,
		"delivery.md",
		test{
			fires: labels{`spool_oldest_age_seconds{destination="s3"}`: "1200x120"}, quiet: labels{`spool_oldest_age_seconds{destination="s3"}`: "60x120"},
			labels: labels{"destination": "s3"}, value: "20m 0s",
		},
	}, {
		"SpoolVeryOld", critical, `mirrorsink_spool_oldest_age_seconds > 3600`, "5m",
		`Records of {{ $labels.instance }} have waited for {{ $labels.destination }} for more than an hour`,
		`When the spool is full the oldest files are dropped. mirrorsink_delivery_failures_total has the reasons by kind, the log the last one.`,
		"delivery.md",
		test{
			fires: labels{`spool_oldest_age_seconds{destination="s3"}`: "3601x120"}, quiet: labels{`spool_oldest_age_seconds{destination="s3"}`: "1200x120"},
			labels: labels{"destination": "s3"},
		},
	}, {
		"SpoolDropped", critical, `sum by (job, instance, destination) (increase(mirrorsink_spool_records_total{outcome="dropped"}[15m])) > 0`, "1m",
		`Records of {{ $labels.instance }} for {{ $labels.destination }} were lost: the spool is full`,
		`The oldest files exceeded --spool-size before {{ $labels.destination }} took them.`,
		"delivery.md", grows(`spool_records_total{destination="s3",outcome="dropped"}`, labels{"destination": "s3"}),
	}, {
		"SpoolNotWritten", critical, `increase(mirrorsink_spool_unwritten_records_total[15m]) > 0`, "1m",
		`Records of {{ $labels.instance }} for {{ $labels.destination }} were lost: the spool cannot be written`,
		`The disk of --spool is full or fails: see the log.`,
		"delivery.md", grows(`spool_unwritten_records_total{destination="s3"}`, labels{"destination": "s3"}),
	}, {
		"RecordsRefused", critical, `increase(mirrorsink_spool_refused_records_total[15m]) > 0`, "1m",
		`{{ $labels.destination }} refuses records of {{ $labels.instance }}`,
		`They are lost: it will never take them. The log has the reason.`,
		"delivery.md", grows(`spool_refused_records_total{destination="cloudwatch"}`, labels{"destination": "cloudwatch"}),
	}, {
		"DeliveryFails", warning, `increase(mirrorsink_delivery_failures_total[15m]) > 3`, "15m",
		`Deliveries of {{ $labels.instance }} to {{ $labels.destination }} fail: {{ $labels.reason }}`,
		`Each is tried again, and nothing is lost while the spool has room. The log has the last error.`,
		"delivery.md",
		grows(`delivery_failures_total{destination="s3",reason="denied"}`, labels{"destination": "s3", "reason": "denied"}),
	}, {
		"CloudWatchMetricsLost", warning, `increase(mirrorsink_cloudwatch_metrics_total{outcome=~"dropped|refused"}[15m]) > 0`, "1m",
		`Data points of {{ $labels.instance }} for CloudWatch are {{ $labels.outcome }}`,
		`Alarms and the scaling of the group read them.`,
		"alerts.md#cloudwatch-metrics", grows(`cloudwatch_metrics_total{outcome="refused"}`, labels{"outcome": "refused"}),
	}, {
		"RotationFails", warning, `increase(mirrorsink_rotated_failures_total[15m]) > 0`, "5m",
		`{{ $labels.instance }} cannot rotate files of {{ $labels.output }}`,
		`A file cannot be renamed, compressed or deleted. The disk may be full: see the log.`,
		"operations.md#rotation", grows(`rotated_failures_total{output="eve"}`, labels{"output": "eve"}),
	},
}

var inventory = []rule{
	{
		"InventoryStale", warning, `time() - (mirrorsink_inventory_loaded_timestamp_seconds > 0) > 3600`, "5m",
		`The inventory of {{ $labels.instance }} is old`,
		`It was read {{ $value | humanizeDuration }} ago. Events may name old owners of addresses, and packets of new sessions have none.`,
		"operations.md#inventory",
		test{
			fires: labels{"inventory_loaded_timestamp_seconds": "600x120"}, late: true, quiet: labels{"inventory_loaded_timestamp_seconds": "1+60x120"}, value: "1h 20m 0s",
		},
	}, {
		"InventoryRefreshFails", warning, `increase(mirrorsink_inventory_refresh_failures_total[15m]) > 0`, "15m",
		`{{ $labels.instance }} cannot refresh its inventory`,
		`The old one is kept. The log has the reason.`,
		"operations.md#inventory", grows("inventory_refresh_failures_total", nil),
	}, {
		"UnattributedPackets", warning, `rate(mirrorsink_unattributed_packets_total[15m]) / rate(mirrorsink_datagrams_received_total[15m]) > 0.05`, "15m",
		`{{ $labels.instance }} receives packets of sessions that are not in the inventory`,
		`{{ $value | humanizePercentage }} of the packets have no interface or instance. The inventory may be of another account or region.`,
		"operations.md#inventory", share("unattributed_packets_total", "datagrams_received_total", "10%"),
	}, {
		"PolicyReloadFails", warning, `increase(mirrorsink_policy_reloads_total{result="failure"}[15m]) > 0`, "1m",
		`{{ $labels.instance }} cannot read its policy again`,
		`The old one is kept. mirrorsink policy check FILE names the mistake.`,
		"policy.md", grows(`policy_reloads_total{result="failure"}`, labels{"result": "failure"}),
	},
}

var alerts = []rule{
	{
		"PolicyAlert", warning, `increase(mirrorsink_alerts_total{state="opened"}[10m]) > 0`, "1m",
		`{{ $labels.instance }} has opened alerts of the egress policy`,
		`EVE events of type alert, Parquet files of alerts and the outputs of --alert have them in full.`,
		"alerts.md", grows(`alerts_total{state="opened"}`, labels{"state": "opened"}),
	}, {
		"AlertsNotDelivered", critical, `mirrorsink_alerts_oldest_age_seconds > 600`, "1m",
		`Alerts of {{ $labels.instance }} to {{ $labels.output }} wait for more than ten minutes`,
		`The receiver is gone or refuses the sink: see mirrorsink_alerts_failed_total by reason, and the log.`,
		"operations.md#alerts-that-are-not-delivered",
		test{
			fires: labels{`alerts_oldest_age_seconds{output="sns"}`: "601x120"}, quiet: labels{`alerts_oldest_age_seconds{output="sns"}`: "60x120"},
			labels: labels{"output": "sns"},
		},
	}, {
		"AlertsFail", warning, `min_over_time(mirrorsink_alerts_failing[10m]) == 1`, "5m",
		`The receiver {{ $labels.output }} of alerts of {{ $labels.instance }} fails`,
		`Each alert is sent again, and nothing is lost while the spool has room: see mirrorsink_alerts_failed_total by reason, and the log.`,
		"operations.md#alerts-that-are-not-delivered",
		test{fires: labels{`alerts_failing{output="sns"}`: "1x120"}, quiet: labels{`alerts_failing{output="sns"}`: "1x24 0 1x40"}, labels: labels{"output": "sns"}},
	}, {
		"AlertsDropped", critical, `increase(mirrorsink_alerts_dropped_total[15m]) > 0`, "1m",
		`Alerts of {{ $labels.instance }} to {{ $labels.output }} were lost`,
		`The spool or the memory was full.`,
		"operations.md#alerts-that-are-not-delivered", grows(`alerts_dropped_total{output="sns"}`, labels{"output": "sns"}),
	}, {
		"AlertsRefused", critical, `increase(mirrorsink_alerts_refused_total[15m]) > 0`, "1m",
		`{{ $labels.output }} refuses alerts of {{ $labels.instance }}`,
		`They are lost: it will never take them. The log has the reason.`,
		"operations.md#alerts-that-are-not-delivered", grows(`alerts_refused_total{output="sns"}`, labels{"output": "sns"}),
	}, {
		"AlertStorm", warning, `increase(mirrorsink_alerts_digests_total[10m]) > 3`, "1m",
		`So many alerts of {{ $labels.instance }} that {{ $labels.output }} gets digests`,
		`Look at mirrorsink_alerts_total, and at the rule that the digests name first.`,
		"alerts.md#storms", grows(`alerts_digests_total{output="sns"}`, labels{"output": "sns"}),
	},
}

var forwarding = []rule{
	{
		"ForwardTargetDown", critical, `increase(mirrorsink_forward_dropped_frames_total{reason="down"}[5m]) > 0`, "5m",
		`{{ $labels.instance }} loses frames for {{ $labels.target }}, which is away`,
		`The interface or sensor is missing. Inspection goes on.`,
		"forwarding.md#counters",
		grows(`forward_dropped_frames_total{target="tap:suricata0",reason="down"}`, labels{"target": "tap:suricata0", "reason": "down"}),
	}, {
		"ForwardQueueFull", warning, `increase(mirrorsink_forward_dropped_frames_total{reason="queue_full"}[10m]) > 0`, "5m",
		`{{ $labels.target }} is slower than {{ $labels.instance }} forwards`,
		`Frames are dropped. Forward less with --forward-where and --forward-bypass, or add a sensor.`,
		"forwarding.md#counters",
		grows(`forward_dropped_frames_total{target="tap:suricata0",reason="queue_full"}`, labels{"target": "tap:suricata0", "reason": "queue_full"}),
	}, {
		"ForwardOversize", warning, `increase(mirrorsink_forward_dropped_frames_total{reason="oversize"}[10m]) > 0`, "10m",
		`Frames are too long for {{ $labels.target }} of {{ $labels.instance }}`,
		`Raise the MTU of the target, or segment them with --forward-oversize segment.`,
		"forwarding.md#frame-sizes",
		grows(`forward_dropped_frames_total{target="tap:suricata0",reason="oversize"}`, labels{"target": "tap:suricata0", "reason": "oversize"}),
	}, {
		"ForwardTruncated", warning, `rate(mirrorsink_forward_truncated_frames_total[15m]) / rate(mirrorsink_forward_passed_frames_total[15m]) > 0.01`, "15m",
		`{{ $labels.instance }} cannot forward truncated frames`,
		`{{ $value | humanizePercentage }} of the frames are cut so that they cannot be fixed.`,
		"forwarding.md#counters", share("forward_truncated_frames_total", "forward_passed_frames_total", "10%"),
	}, {
		"ForwardTargetFlaps", warning, `increase(mirrorsink_forward_outages_total[1h]) > 3`, "1m",
		`{{ $labels.target }} of {{ $labels.instance }} comes and goes`,
		`It became unreachable several times within an hour.`,
		"forwarding.md#counters", grows(`forward_outages_total{target="vxlan:10.0.0.7:4789"}`, labels{"target": "vxlan:10.0.0.7:4789"}),
	},
}

var watching = []rule{
	{
		"SessionsNotApplied", critical, `time() - mirrorsink_watch_last_success_timestamp_seconds > 900`, "5m",
		`sessions watch on {{ $labels.instance }} has not applied the spec for a while`,
		`The last round without an error was {{ $value | humanizeDuration }} ago. New instances are not mirrored. The log has the reason.`,
		"sessions.md",
		test{
			fires: labels{"watch_last_success_timestamp_seconds": "600x120"},
			late:  true, quiet: labels{"watch_last_success_timestamp_seconds": "0+60x120"}, value: "1h 20m 0s",
		},
	}, {
		"SessionChangesFail", warning, `sum by (job, instance, op, kind, outcome) (increase(mirrorsink_watch_changes_total{outcome!="ok"}[15m])) > 0`, "15m",
		`sessions watch on {{ $labels.instance }} cannot {{ $labels.op }} a {{ $labels.kind }}: {{ $labels.outcome }}`,
		`It is tried again in each round. The log names the object.`,
		"sessions.md",
		grows(`watch_changes_total{op="create",kind="session",outcome="limit"}`, labels{"op": "create", "kind": "session", "outcome": "limit"}),
	}, {
		"SessionDeletionsHeld", warning, `mirrorsink_watch_deletions_held > 0`, "30m",
		`sessions watch on {{ $labels.instance }} holds deletions back`,
		`{{ $value }} objects are to be deleted, more than --max-deletions in a round. Is the spec what it should be?`,
		"sessions.md",
		test{fires: labels{"watch_deletions_held": "12x120"}, late: true, quiet: labels{"watch_deletions_held": "0x120"}, value: "12"},
	},
}
