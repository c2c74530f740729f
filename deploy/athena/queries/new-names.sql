-- Which names were reached today but not yesterday, and by which instance first?
-- Edit: both days.
SELECT remote_name, min_by(instance_id, start) AS first_instance, from_unixtime(min(start)) AS first_seen, sum(bytes) AS bytes
FROM all_flows
WHERE year = '2026' AND month = '11' AND day = '24' AND remote_name IS NOT NULL
  AND remote_name NOT IN (
    SELECT remote_name FROM all_flows
    WHERE year = '2026' AND month = '11' AND day = '23' AND remote_name IS NOT NULL
  )
GROUP BY remote_name
ORDER BY first_seen, remote_name
