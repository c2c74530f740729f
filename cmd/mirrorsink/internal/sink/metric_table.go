package sink

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// metricTable is every metric of ours. At all times datagrams_received_total is the sum of datagrams_total over its
// reasons, and of events_total what is produced and neither written nor dropped is still queued. Where frames are forwarded the
// datagrams are those passed, excluded and waiting.
var metricTable = []metric{
	{name: "datagrams_received_total", help: "Datagrams received.",
		values: single(func(s *snapshot) uint64 { return s.Datagrams })},
	{name: "datagrams_total", help: "Datagrams received, by result.", labels: []string{"reason"}, values: byReason},
	{name: "received_bytes_total", help: "Bytes of the datagrams received, envelopes included.",
		values: single(func(s *snapshot) uint64 { return s.Bytes })},
	{name: "kernel_drops_total", help: "Datagrams that the kernel dropped at the sockets or rings. They are not counted as received.",
		values: single(func(s *snapshot) uint64 { return s.KernelDrops })},
	{name: "ring_freezes_total", help: "Times that the kernel found no free block in a packet ring because its reader was behind. Datagrams dropped meanwhile are counted in kernel_drops_total.",
		values: single(func(s *snapshot) uint64 { return s.RingFreezes })},
	{name: "oversized_datagrams_total", help: "Datagrams that were read in part: longer than a receive slot or, at a ring, the first of several IP fragments.",
		values: single(func(s *snapshot) uint64 { return s.Oversized })},
	{name: "interface_losses_total", help: "Times that the interface of a packet ring went down or disappeared.",
		values: single(func(s *snapshot) uint64 { return s.InterfaceLosses })},
	{name: "clock_steps_total", help: "Times that the machine's clock was set back or forward.",
		values: single(func(s *snapshot) uint64 { return s.ClockSteps })},
	{name: "nonstandard_headers_total", help: "VXLAN headers with a reserved bit set.",
		values: single(func(s *snapshot) uint64 { return s.ReservedBits })},
	{name: "truncated_packets_total", help: "Packets whose copy was truncated.",
		values: single(func(s *snapshot) uint64 { return s.Truncated })},
	{name: "bad_checksums_total", help: "Packets with a wrong checksum: of the IPv4 header, or of a transport whose payload is read or forwarded.",
		values: single(func(s *snapshot) uint64 { return s.BadChecksum })},
	{name: "misdated_frames_total", help: "Frames of a capture whose time cannot be right, and was replaced by that of a neighbor.",
		values: single(func(s *snapshot) uint64 { return s.Misdated })},
	{name: "tunnels_skipped_total", help: "Packets of tunnels that were not entered, and count for the flow of the tunnel, by reason.",
		labels: []string{"reason"}, values: byTunnelSkip},

	{name: "fragments_held_total", help: "IP fragments taken for reassembly.",
		values: single(func(s *snapshot) uint64 { return s.FragmentsHeld })},
	{name: "fragments_duplicate_total", help: "IP fragments that arrived again and count for no flow.",
		values: single(func(s *snapshot) uint64 { return s.FragmentsDuplicate })},
	{name: "fragments_incomplete_total", help: "IP fragments of packets that were not reassembled because other fragments did not arrive in time, were truncated or are invalid.",
		values: single(func(s *snapshot) uint64 { return s.FragmentsIncomplete })},
	{name: "fragments_overlapping_total", help: "IP fragments of packets that a receiver drops because fragments overlap or contradict each other; they are incomplete as well.",
		values: single(func(s *snapshot) uint64 { return s.FragmentsOverlapping })},
	{name: "fragments_evicted_total", help: "IP fragments of packets that were not reassembled because the reassembly memory was full.",
		values: single(func(s *snapshot) uint64 { return s.FragmentsEvicted })},
	{name: "reassembled_packets_total", help: "Packets reassembled from fragments.",
		values: single(func(s *snapshot) uint64 { return s.Reassembled })},
	{name: "reassembled_bad_checksums_total", help: "Packets reassembled from fragments that were not read because their checksum is wrong.",
		values: single(func(s *snapshot) uint64 { return s.ReassembledBad })},
	{name: "handovers_dropped_total", help: "Reassembled packets that were lost on the way to the worker of their flow.",
		values: single(func(s *snapshot) uint64 { return s.HandoversDropped })},

	{name: "mirror_sessions", help: "Mirror sessions seen, summed over workers.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.Sessions })},
	{name: "mirror_sessions_refused_packets_total", help: "Packets of mirror sessions that did not fit into the table of sessions.",
		values: single(func(s *snapshot) uint64 { return s.SessionsRefused })},
	{name: "inventory_sessions", help: "Mirror sessions in the inventory.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.Inventory.Sessions })},
	{name: "inventory_loaded_timestamp_seconds", help: "Time of the last successful read of the inventory, in Unix seconds; 0 without an inventory.",
		gauge: true, values: single(func(s *snapshot) uint64 { return s.Inventory.Loaded })},
	{name: "inventory_refresh_failures_total", help: "Failed refreshes of the inventory, after which the old one was kept.",
		values: single(func(s *snapshot) uint64 { return s.Inventory.Failures })},
	{name: "policy_reloads_total", help: "Times that the policy was read again, by result. After a failure the old one was kept.",
		labels: []string{"result"}, values: func(s *snapshot, give func(uint64, ...string)) {
			give(s.Policy.Reloads, "success")
			give(s.Policy.Failures, "failure")
		}},
	{name: "policy_loaded_timestamp_seconds", help: "Time of the last successful read of the policy, in Unix seconds; 0 without a policy.",
		gauge: true, values: single(func(s *snapshot) uint64 { return s.Policy.Loaded })},
	{name: "alerts_total", help: "Alerts by what was sent: opened, updated or resolved.",
		labels: []string{"state"}, values: func(s *snapshot, give func(uint64, ...string)) {
			give(s.Found.Opened, alert.Opened.String())
			give(s.Found.Updated, alert.Updated.String())
			give(s.Found.Resolved, alert.Resolved.String())
		}},
	{name: "alerts_open", help: "Alerts that are not resolved.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.Found.Open })},
	{name: "alerts_suppressed_total", help: "Activities of open alerts that were not sent by themselves.",
		values: single(func(s *snapshot) uint64 { return s.Found.Suppressed })},
	{name: "alert_activities_total", help: "Activities of flows that were looked at for alerts.",
		values: single(func(s *snapshot) uint64 { return s.Found.Activities })},
	{name: "alert_state_evicted_total", help: "What alerts remember of sources and destinations, evicted because the memory was full.",
		values: single(func(s *snapshot) uint64 { return s.Found.Evicted })},
	{name: "unattributed_packets_total", help: "Packets of mirror sessions that are not in the inventory; 0 without an inventory.",
		values: single(func(s *snapshot) uint64 { return s.Unattributed })},
	{name: "flows_active", help: "Flows in the tables.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.FlowsActive })},
	{name: "flows_total", help: "Flows started.",
		values: single(func(s *snapshot) uint64 { return s.FlowsNew })},
	{name: "flows_ended_total", help: "Flows ended, by reason. Forced ones were evicted because the memory was full.",
		labels: []string{"reason"}, values: byEnd},
	{name: "flows_named_total", help: "Flows that ended with a name.",
		values: single(func(s *snapshot) uint64 { return s.Named })},
	{name: "paired_packets_total", help: "Packets mirrored at both ends of which both copies were seen.",
		values: single(func(s *snapshot) uint64 { return s.Paired })},
	{name: "second_copies_total", help: "Copies of packets of which the same session sent one before, because its interface receives and sends them. They count for no flow.",
		values: single(func(s *snapshot) uint64 { return s.SecondCopies })},
	{name: "pairs_evicted_total", help: "Copies evicted while they waited for the copy of the other end because the memory was full.",
		values: single(func(s *snapshot) uint64 { return s.PairsEvicted })},
	{name: "dns_answers", help: "DNS answers and other names of addresses in the cache.", gauge: true,
		values: single(func(s *snapshot) uint64 { return uint64(s.DNS.Live) })},
	{name: "dns_answers_evicted_total", help: "DNS answers evicted because the memory was full.",
		values: single(func(s *snapshot) uint64 { return s.DNS.Evicted })},
	{name: "names_refused_total", help: "Names of flows that did not fit into the memory for names.",
		values: single(func(s *snapshot) uint64 { return s.NamesRefused })},
	{name: "names_undecided_total", help: "Events and flows that claim nothing about DNS because the memory for events that wait for answers was full.",
		values: single(func(s *snapshot) uint64 { return s.Undecided })},

	{name: "streams_active", help: "Flows whose payload is being parsed.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.StreamsActive })},
	{name: "streams_total", help: "Flows whose payload was parsed.",
		values: single(func(s *snapshot) uint64 { return s.StreamsNew })},
	{name: "streams_evicted_total", help: "Flows whose parsing ended early because the memory was full.",
		values: single(func(s *snapshot) uint64 { return s.StreamsEvicted })},
	{name: "segments_held_total", help: "TCP segments that waited for the other direction, which they had overtaken.",
		values: single(func(s *snapshot) uint64 { return s.SegmentsHeld })},
	{name: "segments_emptied_total", help: "TCP segments that waited without their payload because much of their flow did.",
		values: single(func(s *snapshot) uint64 { return s.SegmentsEmptied })},
	{name: "segments_evicted_total", help: "Flows whose TCP segments stopped waiting because the memory was full.",
		values: single(func(s *snapshot) uint64 { return s.SegmentsEvicted })},
	{name: "stream_gaps_total", help: "Gaps: times that TCP bytes were missing. Their copies may have come late.",
		values: single(func(s *snapshot) uint64 { return s.Gaps })},
	{name: "lost_bytes_total", help: "TCP bytes of which no copy had come when their flow ended.",
		values: single(func(s *snapshot) uint64 { return s.LostBytes })},
	{name: "refused_segments_total", help: "TCP segments, or parts of them, that were not read because their receiver would drop them, by reason.",
		labels: []string{"reason"}, values: byRefusal},
	{name: "retransmits_total", help: "TCP segments without new bytes.",
		values: single(func(s *snapshot) uint64 { return s.Retransmits })},

	{name: "messages_total", help: "Messages and transactions reported, by protocol.", labels: []string{"protocol"}, values: byProtocol},
	{name: "events_total", help: "Events by kind and outcome, summed over outputs.",
		labels: []string{"kind", "outcome"}, values: byOutcome},

	{name: "spool_files", help: "Finished files that wait for AWS, by destination.", labels: []string{"destination"}, gauge: true,
		values: byDestination(func(c *spool.Counts) uint64 { return c.Waiting.Files })},
	{name: "spool_bytes", help: "Bytes of finished files that wait for AWS.", labels: []string{"destination"}, gauge: true,
		values: byDestination(func(c *spool.Counts) uint64 { return c.Waiting.Bytes })},
	{name: "spool_records", help: "Records in finished files that wait for AWS.", labels: []string{"destination"}, gauge: true,
		values: byDestination(func(c *spool.Counts) uint64 { return c.Waiting.Records })},
	{name: "spool_oldest_age_seconds", help: "Age of the oldest file that waits for AWS.", labels: []string{"destination"}, gauge: true,
		values: byDestination(func(c *spool.Counts) uint64 { return uint64(c.OldestAge.Seconds()) })},
	{name: "spool_files_total", help: "Finished files by outcome. Dropped ones exceeded the size of the spool.",
		labels: []string{"destination", "outcome"}, values: byDelivery(func(t *spool.Amount) uint64 { return t.Files })},
	{name: "spool_bytes_total", help: "Bytes of finished files by outcome.",
		labels: []string{"destination", "outcome"}, values: byDelivery(func(t *spool.Amount) uint64 { return t.Bytes })},
	{name: "spool_records_total", help: "Records in finished files by outcome.",
		labels: []string{"destination", "outcome"}, values: byDelivery(func(t *spool.Amount) uint64 { return t.Records })},
	{name: "spool_refused_records_total", help: "Records that AWS rejected permanently.", labels: []string{"destination"},
		values: byDestination(func(c *spool.Counts) uint64 { return c.Rejected })},
	{name: "spool_unwritten_records_total", help: "Records lost because the spool could not be written.", labels: []string{"destination"},
		values: byDestination(func(c *spool.Counts) uint64 { return c.Unspooled })},
	{name: "delivery_failures_total", help: "Failed deliveries to AWS by reason. Each is retried.",
		labels: []string{"destination", "reason"}, values: byFailure},

	{name: "alerts_taken_total", help: "Alerts that were given to an output, or found in its spool at the start. They are sent, refused, dropped or waiting.",
		labels: []string{"output"}, values: byAlertOutput(func(c *send.Counts) uint64 { return c.Taken })},
	{name: "alerts_sent_total", help: "Alerts that the receiver confirmed.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Sent })},
	{name: "alerts_refused_total", help: "Alerts that the receiver refused permanently.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Refused })},
	{name: "alerts_dropped_total", help: "Alerts that were lost because the spool or the memory was full.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Dropped })},
	{name: "alerts_retried_total", help: "Alerts that were sent again after a failure.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Retried })},
	{name: "alerts_digests_total", help: "Messages that gathered many alerts, since more came within a minute than people read.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Digests })},
	{name: "alerts_digested_total", help: "Alerts that were sent in such messages. They are sent too.", labels: []string{"output"},
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Digested })},
	{name: "alerts_failed_total", help: "Failed calls of receivers of alerts by reason. All but those with the reason refused are repeated.",
		labels: []string{"output", "reason"}, values: byAlertFailure},
	{name: "alerts_waiting", help: "Alerts that wait for their receiver.", labels: []string{"output"}, gauge: true,
		values: byAlertOutput(func(c *send.Counts) uint64 { return c.Waiting })},
	{name: "alerts_oldest_age_seconds", help: "Age of the oldest alert that waits.", labels: []string{"output"}, gauge: true,
		values: byAlertOutput(func(c *send.Counts) uint64 { return uint64(c.OldestAge.Seconds()) })},
	{name: "alerts_failing", help: "Whether the last call of the receiver failed: 1 or 0.", labels: []string{"output"}, gauge: true,
		values: byAlertOutput(func(c *send.Counts) uint64 {
			if c.Failing {
				return 1
			}
			return 0
		})},
	{name: "cloudwatch_metrics_total", help: "Data points for CloudWatch by outcome.", labels: []string{"outcome"},
		values: func(s *snapshot, give func(uint64, ...string)) {
			give(s.Metrics.Taken, "taken")
			give(s.Metrics.Sent, "sent")
			give(s.Metrics.Refused, "refused")
			give(s.Metrics.Dropped, "dropped")
		}},
	{name: "cloudwatch_metrics_waiting", help: "Data points that wait for CloudWatch.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.Metrics.Waiting })},
	{name: "cloudwatch_metrics_failures_total", help: "Failed calls of CloudWatch by reason.", labels: []string{"reason"},
		values: func(s *snapshot, give func(uint64, ...string)) {
			for class, n := range s.Metrics.Failures {
				give(n, spool.Class(class).String())
			}
		}},

	{name: "forward_passed_frames_total", help: "Frames selected for forwarding.",
		values: single(func(s *snapshot) uint64 { return s.Forward.Passed.Frames })},
	{name: "forward_passed_bytes_total", help: "Bytes of the frames selected for forwarding.",
		values: single(func(s *snapshot) uint64 { return s.Forward.Passed.Bytes })},
	{name: "forward_excluded_frames_total", help: "Frames that were not forwarded, by reason.", labels: []string{"reason"},
		values: byExclusion(func(t *event.Tally) uint64 { return t.Frames })},
	{name: "forward_excluded_bytes_total", help: "Bytes of the frames that were not forwarded, by reason.", labels: []string{"reason"},
		values: byExclusion(func(t *event.Tally) uint64 { return t.Bytes })},
	{name: "forward_reordered_frames_total", help: "TCP segments that waited for earlier ones of their flow, by whether these arrived.",
		labels: []string{"outcome"}, values: func(s *snapshot, give func(uint64, ...string)) {
			give(s.Forward.Reordered, "reordered")
			give(s.Forward.TimedOut, "timed_out")
		}},
	{name: "forward_waiting_frames", help: "TCP segments that wait for earlier ones of their flow.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.Forward.Waiting })},
	{name: "forward_truncated_frames_total", help: "Frames that no target received because their copy was truncated and could not be fixed, or --forward-cut drops such frames.",
		values: single(func(s *snapshot) uint64 { return s.Fixed.Truncated })},
	{name: "forward_fixed_frames_total", help: "Forwarded frames whose lengths or checksums were fixed.", labels: []string{"what"},
		values: func(s *snapshot, give func(uint64, ...string)) {
			give(s.Fixed.Lengths, "lengths")
			give(s.Fixed.Checksums, "checksums")
		}},
	{name: "forward_vlans", help: "802.1Q tags assigned to mirror sessions.", gauge: true,
		values: single(func(s *snapshot) uint64 { return s.VLANs })},
	{name: "forward_frames_total", help: "Frames sent, by target.", labels: []string{"target"},
		values: byTarget(func(t *event.Target) uint64 { return t.Frames })},
	{name: "forward_bytes_total", help: "Bytes of the frames sent, without encapsulation, by target.", labels: []string{"target"},
		values: byTarget(func(t *event.Target) uint64 { return t.Bytes })},
	{name: "forward_segments_total", help: "Frames made by segmenting longer ones, by target.", labels: []string{"target"},
		values: byTarget(func(t *event.Target) uint64 { return t.Segments })},
	{name: "forward_moved_frames_total", help: "Frames sent to another sensor because the one of their flow was unreachable.", labels: []string{"target"},
		values: byTarget(func(t *event.Target) uint64 { return t.Moved })},
	{name: "forward_dropped_frames_total", help: "Frames dropped at a target, by reason.", labels: []string{"target", "reason"}, values: byLoss},
	{name: "forward_queued_frames", help: "Frames queued for a target.", labels: []string{"target"}, gauge: true,
		values: byTarget(func(t *event.Target) uint64 { return t.Queued })},
	{name: "forward_outages_total", help: "Times that a target became unreachable.", labels: []string{"target"},
		values: byTarget(func(t *event.Target) uint64 { return t.Outages })},
}
