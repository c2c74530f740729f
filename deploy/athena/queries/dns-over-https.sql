-- Which clients use a public resolver over TLS instead of the VPC's, and what do they reach afterwards without a visible lookup?
-- Edit: the day, and the list of resolvers' names and addresses, which cannot be complete.
SELECT
  instance_id, interface_id,
  CASE WHEN x_direct_to_address = 'doh_suspected' THEN 'reached after it' ELSE 'resolver' END AS what,
  coalesce(x_name, pkt_dstaddr) AS peer, dstport, count(*) AS records, sum(bytes) AS bytes
FROM mirrorsink_flows
WHERE year = '2026' AND month = '11' AND day = '24' AND flow_direction = 'egress' AND x_initiator = 'src'
  AND (
    x_direct_to_address = 'doh_suspected'
    OR regexp_like(x_name, '(^|[.])(dns[.]google|cloudflare-dns[.]com|one[.]one[.]one[.]one|dns[.]quad9[.]net|doh[.]opendns[.]com|dns[.]nextdns[.]io|doh[.]dns[.]apple[.]com|dns[.]adguard[.]com|adguard-dns[.]com|dns[.]mullvad[.]net|dns[.]controld[.]com)$')
    OR (dstport IN (443, 853) AND pkt_dstaddr IN (
      '8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844', '1.1.1.1', '1.0.0.1', '2606:4700:4700::1111',
      '2606:4700:4700::1001', '9.9.9.9', '149.112.112.112', '2620:fe::fe', '2620:fe::9', '208.67.222.222', '208.67.220.220'))
  )
GROUP BY instance_id, interface_id, x_direct_to_address, coalesce(x_name, pkt_dstaddr), dstport
ORDER BY instance_id, what DESC, bytes DESC, peer
