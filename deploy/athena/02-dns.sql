-- The answers of DNS that mirrorsink writes beside the flow records: one row for each answer, and one for a response without answers.
-- Replace ${BUCKET}, ${ACCOUNTS} and ${REGIONS} as in 01-flows.sql.
CREATE EXTERNAL TABLE IF NOT EXISTS mirrorsink_dns (
  `time` bigint,
  account_id string,
  region string,
  vpc_id string,
  interface_id string,
  instance_id string,
  client string,
  resolver string,
  query_name string,
  query_type string,
  answer_name string,
  answer_type string,
  answer string,
  ttl bigint,
  rcode string,
  vni int,
  community_id string
)
PARTITIONED BY (
  `aws-account-id` string,
  `aws-service` string,
  `aws-region` string,
  `year` string,
  `month` string,
  `day` string,
  `hour` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS
  INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://${BUCKET}/AWSLogs/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.aws-account-id.type' = 'enum',
  'projection.aws-account-id.values' = '${ACCOUNTS}',
  'projection.aws-service.type' = 'enum',
  'projection.aws-service.values' = 'mirrorsinkdns',
  'projection.aws-region.type' = 'enum',
  'projection.aws-region.values' = '${REGIONS}',
  'projection.year.type' = 'integer',
  'projection.year.range' = '2026,2036',
  'projection.month.type' = 'integer',
  'projection.month.range' = '01,12',
  'projection.month.digits' = '2',
  'projection.day.type' = 'integer',
  'projection.day.range' = '01,31',
  'projection.day.digits' = '2',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '00,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = 's3://${BUCKET}/AWSLogs/aws-account-id=${aws-account-id}/aws-service=${aws-service}/aws-region=${aws-region}/year=${year}/month=${month}/day=${day}/hour=${hour}/'
)
