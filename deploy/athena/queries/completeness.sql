-- How complete are the records? It lists the windows in which copies were lost and the share of TCP bytes seen, by interface.
-- Edit: the day.
SELECT
  interface_id, count_if(log_status = 'SKIPDATA') AS windows_with_loss, count_if(log_status = 'NODATA') AS windows_without_traffic,
  count_if(log_status = 'OK') AS records, min(x_completeness) AS least_complete, count_if(x_truncated) AS cut
FROM mirrorsink_flows
WHERE year = '2026' AND month = '11' AND day = '24'
GROUP BY interface_id
ORDER BY windows_with_loss DESC, interface_id
