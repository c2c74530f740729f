-- Which servers use a certificate that ends within 30 days, or has ended? Certificates are visible up to TLS 1.2. Later versions
-- encrypt them. They are in EVE's tls events.
-- Edit: the day.
SELECT
  TRY_CAST(replace(tls.notafter, 'T', ' ') AS timestamp) AS ends, tls.subject AS subject, tls.issuerdn AS issuer, tls.sni AS sni,
  tls.fingerprint AS fingerprint, dest_ip, dest_port, count(*) AS connections, count(DISTINCT mirror.instance) AS instances
FROM mirrorsink_eve
WHERE "date" = '2026/11/22' AND event_type = 'tls'
  AND TRY_CAST(replace(tls.notafter, 'T', ' ') AS timestamp) < now() + interval '30' day
GROUP BY tls.notafter, tls.subject, tls.issuerdn, tls.sni, tls.fingerprint, dest_ip, dest_port
ORDER BY ends, subject, sni, dest_ip, dest_port
