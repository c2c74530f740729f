-- Which attempts were refused, and which were not answered? VPC Flow Logs have refusals (REJECT). A mirror does not copy packets
-- that a security group or network ACL drops on their way in. For packets dropped on their way out, or beyond, it sees no answer.
-- Edit: the day.
SELECT
  seen_by, CASE WHEN action = 'REJECT' THEN 'refused' ELSE 'unanswered' END AS what, flow_direction,
  interface_id, remote_addr, dstport, protocol, count(*) AS records, sum(packets) AS packets
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24'
  AND (action = 'REJECT' OR (x_unanswered AND flow_direction = 'egress'))
GROUP BY seen_by, action, flow_direction, interface_id, remote_addr, dstport, protocol
ORDER BY records DESC, seen_by, interface_id, remote_addr, dstport
LIMIT 100
