-- What was refused, and what did nobody answer? VPC Flow Logs know the first (REJECT). A mirror carries no packet that a security
-- group or network ACL dropped on its way in. Of what was dropped on its way out, or beyond, it knows that no answer came.
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
