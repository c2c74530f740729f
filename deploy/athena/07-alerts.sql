-- The alerts of --alert parquet:s3://${BUCKET}: Detection Findings of OCSF, one row for each time that an alert was opened, updated or resolved.
-- Replace ${BUCKET}, ${ACCOUNTS} and ${REGIONS} as in 01-flows.sql.
CREATE EXTERNAL TABLE IF NOT EXISTS mirrorsink_alerts (
  activity_id int,
  activity_name string,
  category_uid int,
  category_name string,
  class_uid int,
  class_name string,
  type_uid bigint,
  type_name string,
  severity_id int,
  severity string,
  status_id int,
  status string,
  confidence_id int,
  `time` bigint,
  start_time bigint,
  end_time bigint,
  `count` int,
  message string,
  finding_info struct<
    uid: string, title: string, first_seen_time: bigint, last_seen_time: bigint, analytic: struct<
      name: string, uid: string, type_id: int>>,
  metadata struct<
    version: string, product: struct<
      name: string, vendor_name: string>>,
  cloud struct<
    provider: string, region: string, account: struct<
      uid: string>>,
  unmapped struct<
    workload: string, source: string, interface_id: string, destination: string, dstaddr: string, dstport: int, bytes: bigint, repeats: bigint,
    uncertain: boolean, sink: string, first_flow_id: bigint, first_flow_bytes: bigint, second_flow_id: bigint, second_flow_bytes: bigint,
    third_flow_id: bigint, third_flow_bytes: bigint>
)
PARTITIONED BY (
  region string,
  accountId string,
  eventDay string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS
  INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://${BUCKET}/ext/mirrorsinkalerts/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.region.type' = 'enum',
  'projection.region.values' = '${REGIONS}',
  'projection.accountId.type' = 'enum',
  'projection.accountId.values' = '${ACCOUNTS}',
  'projection.eventDay.type' = 'date',
  'projection.eventDay.format' = 'yyyyMMdd',
  'projection.eventDay.range' = '20261101,NOW',
  'storage.location.template' = 's3://${BUCKET}/ext/mirrorsinkalerts/region=${region}/accountId=${accountId}/eventDay=${eventDay}/'
)
