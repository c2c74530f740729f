-- The records of mirrorsink and of VPC Flow Logs together. seen_by names the source: an interface that has both is in the view twice.
-- AWS's rows have nulls in the columns of mirrorsink. Some columns are derived:
--   local_addr, remote_addr   the packet's address at the interface's side, and at the other
--   remote_is_public          the remote address is in none of the private, shared, link-local, loopback or multicast networks
--   opened_by                 inside or outside: the side that opened the connection, null in AWS's rows
--   remote_name               x_name if it is the other side's: a name belongs to the server
CREATE OR REPLACE VIEW all_flows AS
SELECT
  f.*,
  CASE WHEN f.opened_by = 'inside' THEN f.x_name END AS remote_name,
  regexp_like(f.remote_addr, '[.:]') AND NOT regexp_like(f.remote_addr, '^(0|10|127)[.]|^169[.]254[.]|^192[.]168[.]|^172[.](1[6-9]|2[0-9]|3[01])[.]|^100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.]|^(22[4-9]|2[345][0-9])[.]|^::1?$|^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:|^ff[0-9a-f]{2}:') AS remote_is_public
FROM (
  SELECT
    'mirror' AS seen_by,
    version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end",
    action, log_status, vpc_id, subnet_id, instance_id, tcp_flags, type, pkt_srcaddr, pkt_dstaddr, region, az_id,
    sublocation_type, sublocation_id, pkt_src_aws_service, pkt_dst_aws_service, flow_direction, traffic_path,
    x_name, x_name_source, x_sni, x_dns_name, x_app_proto, x_ja4, x_initiator, x_initiator_reason, x_unanswered,
    x_direct_to_address, x_completeness, x_community_id, x_vni, x_truncated, x_paired,
    x_payload_bytes, x_policy_verdict, x_policy_rule, x_policy_reason, x_workload, x_conflicts, x_ech,
    CASE flow_direction WHEN 'egress' THEN pkt_srcaddr WHEN 'ingress' THEN pkt_dstaddr END AS local_addr,
    CASE flow_direction WHEN 'egress' THEN pkt_dstaddr WHEN 'ingress' THEN pkt_srcaddr END AS remote_addr,
    CASE concat(flow_direction, ' ', x_initiator)
      WHEN 'egress src' THEN 'inside' WHEN 'ingress dst' THEN 'inside'
      WHEN 'egress dst' THEN 'outside' WHEN 'ingress src' THEN 'outside'
    END AS opened_by,
    "aws-account-id", "aws-service", "aws-region", year, month, day, hour
  FROM mirrorsink_flows
  UNION ALL
  SELECT
    'flow_log',
    version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end",
    action, log_status, vpc_id, subnet_id, instance_id, tcp_flags, type, pkt_srcaddr, pkt_dstaddr, region, az_id,
    sublocation_type, sublocation_id, pkt_src_aws_service, pkt_dst_aws_service, flow_direction, traffic_path,
    CAST(NULL AS varchar) AS x_name, CAST(NULL AS varchar) AS x_name_source, CAST(NULL AS varchar) AS x_sni,
    CAST(NULL AS varchar) AS x_dns_name, CAST(NULL AS varchar) AS x_app_proto, CAST(NULL AS varchar) AS x_ja4,
    CAST(NULL AS varchar) AS x_initiator, CAST(NULL AS varchar) AS x_initiator_reason,
    CAST(NULL AS boolean) AS x_unanswered, CAST(NULL AS varchar) AS x_direct_to_address,
    CAST(NULL AS double) AS x_completeness, CAST(NULL AS varchar) AS x_community_id, CAST(NULL AS integer) AS x_vni,
    CAST(NULL AS boolean) AS x_truncated, CAST(NULL AS varchar) AS x_paired,
    CAST(NULL AS bigint) AS x_payload_bytes, CAST(NULL AS varchar) AS x_policy_verdict, CAST(NULL AS varchar) AS x_policy_rule,
    CAST(NULL AS varchar) AS x_policy_reason, CAST(NULL AS varchar) AS x_workload, CAST(NULL AS varchar) AS x_conflicts, CAST(NULL AS varchar) AS x_ech,
    CASE flow_direction WHEN 'egress' THEN pkt_srcaddr WHEN 'ingress' THEN pkt_dstaddr END,
    CASE flow_direction WHEN 'egress' THEN pkt_dstaddr WHEN 'ingress' THEN pkt_srcaddr END,
    CAST(NULL AS varchar),
    "aws-account-id", "aws-service", "aws-region", year, month, day, hour
  FROM vpc_flow_logs
) AS f
