-- Which instances are behind the NAT gateway? VPC Flow Logs of the gateway's interface have the outside leg, with the gateway's
-- address. The mirrored inside leg has the instance and the name. Both have the same protocol, remote address and time, and nearly
-- the same bytes, but different source ports. candidates is the number of inside records that fit. The likeliest comes first.
-- Edit: the gateway's interface_id, the day in both places.
SELECT
  from_unixtime(o.start) AS began, o.pkt_dstaddr AS far_end, o.dstport, o.protocol, o.bytes AS bytes_outside,
  i.instance_id, i.pkt_srcaddr AS instance_addr, i.x_name, i.bytes AS bytes_inside,
  count(i.start) OVER (PARTITION BY o.srcport, o.pkt_dstaddr, o.dstport, o.protocol, o.start) AS candidates
FROM vpc_flow_logs AS o
LEFT JOIN (
  SELECT * FROM mirrorsink_flows
  WHERE year = '2026' AND month = '11' AND day = '24' AND flow_direction = 'egress'
) AS i
  ON i.protocol = o.protocol AND i.pkt_dstaddr = o.pkt_dstaddr AND i.dstport = o.dstport
  AND i.start <= o."end" AND i."end" >= o.start
WHERE o.year = '2026' AND o.month = '11' AND o.day = '24'
  AND o.interface_id = 'eni-0a1b2c3d4e5f6000f' AND o.flow_direction = 'egress' AND o.srcaddr = o.pkt_srcaddr
ORDER BY began, far_end, o.dstport, o.srcport, abs(o.bytes - i.bytes), i.instance_id
