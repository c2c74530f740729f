-- Which external addresses does a VPC send most bytes to, and what are their names?
-- Edit: vpc_id, the day.
SELECT seen_by, pkt_dstaddr, max(remote_name) AS name, sum(packets) AS packets, sum(bytes) AS bytes
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24'
  AND vpc_id = 'vpc-0a1b2c3d4e5f60000'
  AND flow_direction = 'egress' AND remote_is_public
GROUP BY seen_by, pkt_dstaddr
ORDER BY bytes DESC, seen_by, pkt_dstaddr
LIMIT 100
