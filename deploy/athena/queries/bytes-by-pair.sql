-- How many bytes went from each source to each destination? A connection seen at both ends counts once, at the sender's interface.
-- Edit: the day.
SELECT seen_by, srcaddr, dstaddr, sum(packets) AS packets, sum(bytes) AS bytes
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24' AND log_status = 'OK'
  AND (x_paired IS NULL OR flow_direction = 'egress')
GROUP BY seen_by, srcaddr, dstaddr
ORDER BY bytes DESC, seen_by, srcaddr, dstaddr
LIMIT 100
