-- Which traffic leaves one interface to the ports of management and other system services?
-- Edit: interface_id, the day.
SELECT seen_by, dstaddr, dstport, protocol, remote_name, count(*) AS records, sum(packets) AS packets, sum(bytes) AS bytes
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24'
  AND interface_id = 'eni-0a1b2c3d4e5f60003'
  AND flow_direction = 'egress' AND dstport < 1024
GROUP BY seen_by, dstaddr, dstport, protocol, remote_name
ORDER BY bytes DESC, seen_by, dstaddr, dstport
