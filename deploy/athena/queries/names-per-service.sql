-- Which names does each service use, of which AWS service, and how much? The answer is a bill of materials of outgoing traffic.
-- Edit: the list of instances and services, or replace it by a table of your own, and the day.
WITH services (instance_id, service) AS (
  VALUES
    ('i-0a1b2c3d4e5f60001', 'shop'),
    ('i-0a1b2c3d4e5f60002', 'billing')
)
SELECT
  coalesce(s.service, f.instance_id) AS service, f.remote_name, f.x_app_proto, max(f.pkt_dst_aws_service) AS aws_service,
  count(DISTINCT f.instance_id) AS instances, sum(f.bytes) AS bytes_out
FROM all_flows AS f
LEFT JOIN services AS s ON s.instance_id = f.instance_id
WHERE f.year = '2026' AND f.month = '11' AND f.day = '24'
  AND f.seen_by = 'mirror' AND f.flow_direction = 'egress' AND f.remote_name IS NOT NULL
GROUP BY coalesce(s.service, f.instance_id), f.remote_name, f.x_app_proto
ORDER BY service, bytes_out DESC, remote_name
