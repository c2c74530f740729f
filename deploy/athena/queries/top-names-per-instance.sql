-- Which names does each instance reach, by bytes in both directions? The answer has the first ten of each.
-- Edit: the day.
SELECT instance_id, place, remote_name, bytes_out, bytes_in
FROM (
  SELECT
    instance_id, remote_name,
    sum(CASE WHEN flow_direction = 'egress' THEN bytes ELSE 0 END) AS bytes_out,
    sum(CASE WHEN flow_direction = 'ingress' THEN bytes ELSE 0 END) AS bytes_in,
    row_number() OVER (PARTITION BY instance_id ORDER BY sum(bytes) DESC, remote_name) AS place
  FROM all_flows
  WHERE year = '2026' AND month = '11' AND day = '24' AND remote_name IS NOT NULL
  GROUP BY instance_id, remote_name
) AS ranked
WHERE place <= 10
ORDER BY instance_id, place
