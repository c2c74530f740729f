-- How much went in both directions between each outside address and the VPC, and which side opened it? Flow logs have two records for
-- a connection and do not name the initiator. IPv6 addresses are public inside a VPC too: for a connection between two mirrored
-- interfaces of the VPC, only the records of the client's interface count.
-- Edit: vpc_id and the day, both in two places.
SELECT
  remote_addr, max(x_name) AS name, local_addr, opened_by, max(x_initiator_reason) AS evidence,
  sum(CASE WHEN flow_direction = 'egress' THEN bytes ELSE 0 END) AS bytes_out,
  sum(CASE WHEN flow_direction = 'ingress' THEN bytes ELSE 0 END) AS bytes_in
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24'
  AND seen_by = 'mirror' AND vpc_id = 'vpc-0a1b2c3d4e5f60000' AND remote_is_public
  AND (x_paired IS NULL OR opened_by = 'inside' OR x_paired NOT IN (
    SELECT interface_id FROM mirrorsink_flows
    WHERE year = '2026' AND month = '11' AND day = '24' AND vpc_id = 'vpc-0a1b2c3d4e5f60000' AND interface_id IS NOT NULL
  ))
GROUP BY remote_addr, local_addr, opened_by
ORDER BY bytes_out + bytes_in DESC, remote_addr, local_addr, opened_by
LIMIT 100
