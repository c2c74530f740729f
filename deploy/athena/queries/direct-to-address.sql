-- Which connections went to an address that no DNS lookup explains? docs/hints.md explains the reasons. no_dns_seen is left
-- out, since it means that nothing is known.
-- Edit: the day.
SELECT
  x_direct_to_address AS why, instance_id, interface_id, pkt_dstaddr, dstport, protocol, x_app_proto,
  max(x_ja4) AS ja4, sum(bytes) AS bytes, from_unixtime(min(start)) AS first_seen
FROM mirrorsink_flows
WHERE year = '2026' AND month = '11' AND day = '24'
  AND flow_direction = 'egress' AND x_direct_to_address IN ('no_lookup', 'lookup_expired', 'doh_suspected')
GROUP BY x_direct_to_address, instance_id, interface_id, pkt_dstaddr, dstport, protocol, x_app_proto
ORDER BY bytes DESC, instance_id, pkt_dstaddr, dstport
LIMIT 100
