-- Which names does the DNS table have for connections without a name? It has the answers that other mirrorsinks
-- behind the same load balancer saw.
-- Edit: the day.
SELECT seen_by, interface_id, remote_addr, name, name_source, name_stale, count(*) AS records, sum(bytes) AS bytes
FROM named_flows
WHERE year = '2026' AND month = '11' AND day = '22' AND x_name IS NULL AND log_status = 'OK'
GROUP BY seen_by, interface_id, remote_addr, name, name_source, name_stale
ORDER BY bytes DESC, seen_by, remote_addr, name_stale
LIMIT 100
