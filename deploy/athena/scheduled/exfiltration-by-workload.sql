-- Which workloads sent more than 100 kB within 5 minutes to one destination that is not allowed, from all instances and at all sinks together?
-- It is the alert "exfiltration" of a policy, whose numbers are of one instance, for whole workloads. Schedule it every 5 minutes.
-- It reads records of the last 30 minutes; those of the last --parquet-rotate are not written yet. Edit: the bytes, 100000.
WITH minutes AS (
  SELECT
    x_workload AS workload, lower(coalesce(remote_name, remote_addr)) AS destination, start - start % 60 AS minute,
    sum(x_payload_bytes) AS bytes, sum(CASE WHEN x_policy_verdict = 'inconclusive' THEN x_payload_bytes ELSE 0 END) AS uncertain_bytes
  FROM all_flows
  WHERE year IN (date_format(now(), '%Y'), date_format(now() - INTERVAL '30' MINUTE, '%Y'))
    AND month IN (date_format(now(), '%m'), date_format(now() - INTERVAL '30' MINUTE, '%m'))
    AND day IN (date_format(now(), '%d'), date_format(now() - INTERVAL '30' MINUTE, '%d'))
    AND start >= to_unixtime(now()) - 1800
    AND flow_direction = 'egress' AND opened_by = 'inside' AND x_policy_verdict IN ('not-allowed', 'inconclusive')
  GROUP BY x_workload, lower(coalesce(remote_name, remote_addr)), start - start % 60
), windows AS (
  SELECT
    workload, destination, minute,
    sum(bytes) OVER (PARTITION BY workload, destination ORDER BY minute RANGE BETWEEN 240 PRECEDING AND CURRENT ROW) AS bytes,
    sum(uncertain_bytes) OVER (PARTITION BY workload, destination ORDER BY minute RANGE BETWEEN 240 PRECEDING AND CURRENT ROW) AS uncertain_bytes
  FROM minutes
)
SELECT
  workload, destination, max(bytes) AS bytes, max_by(uncertain_bytes, bytes) AS uncertain_bytes,
  from_unixtime(min(minute)) AS first_seen, from_unixtime(max(minute)) AS last_seen
FROM windows
WHERE bytes > 100000
GROUP BY workload, destination
ORDER BY bytes DESC, workload, destination
