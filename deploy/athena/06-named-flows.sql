-- All flows, with names from the DNS table for flows that have none: behind a load balancer the answers of a resolver may
-- reach another mirrorsink than the connections that follow, and VPC Flow Logs have no names. A flow gets the name of the last
-- answer before it that gave its client its address, in the same VPC and on the same day (UTC).
--   name, name_source   x_name and its source: dns_table if the name is from the DNS table
--   name_stale          the answer's time to live and 300 s of grace were over, null if the name is not from the DNS table
CREATE OR REPLACE VIEW named_flows AS
WITH answers AS (
  SELECT
    "aws-account-id", "aws-region", year, month, day, coalesce(vpc_id, '-') AS vpc, client, answer, query_name, "time", ttl,
    lead("time") OVER (
      PARTITION BY "aws-account-id", "aws-region", year, month, day, coalesce(vpc_id, '-'), client, answer
      ORDER BY "time", query_name
    ) AS replaced
  FROM mirrorsink_dns
  WHERE answer_type IN ('A', 'AAAA') AND query_name IS NOT NULL
)
SELECT
  f.*,
  coalesce(f.x_name, a.query_name) AS name,
  CASE WHEN f.x_name IS NOT NULL THEN f.x_name_source WHEN a.query_name IS NOT NULL THEN 'dns_table' END AS name_source,
  CASE WHEN f.x_name IS NULL THEN f.start > a."time" + a.ttl + 300 END AS name_stale
FROM all_flows AS f
LEFT JOIN answers AS a
  ON a."aws-account-id" = f."aws-account-id" AND a."aws-region" = f."aws-region"
  AND a.year = f.year AND a.month = f.month AND a.day = f.day
  AND a.vpc = coalesce(f.vpc_id, '-') AND a.client = f.local_addr AND a.answer = f.remote_addr
  AND f.start >= a."time" AND (a.replaced IS NULL OR f.start < a.replaced)
  AND (f.opened_by IS NULL OR f.opened_by = 'inside')
