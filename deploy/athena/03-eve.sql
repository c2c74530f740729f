-- EVE events in S3, written by --eve and shipped by a log shipper. The certificate of a connection is in the tls events, and not in
-- flow records. The table reads folders by day, as Amazon Data Firehose names them: eve/2026/11/25/.
-- Replace ${BUCKET}. Fields of other events can be added in the same way: docs/fields.md lists them.
CREATE EXTERNAL TABLE IF NOT EXISTS mirrorsink_eve (
  `timestamp` string,
  flow_id bigint,
  event_type string,
  src_ip string,
  src_port int,
  dest_ip string,
  dest_port int,
  proto string,
  app_proto string,
  community_id string,
  tls struct<
    sni: string,
    version: string,
    subject: string,
    issuerdn: string,
    subjectaltname: array<string>,
    serial: string,
    fingerprint: string,
    notbefore: string,
    notafter: string,
    ja4: string>,
  mirror struct<
    vni: int,
    source: string,
    eni: string,
    instance: string,
    vpc: string,
    subnet: string,
    account: string,
    direction: string>,
  hint struct<
    name: string,
    name_source: string,
    name_confidence: string,
    initiator: string,
    initiator_reason: string,
    direct_to_address: string,
    ech: string>
)
PARTITIONED BY (
  `date` string
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
LOCATION 's3://${BUCKET}/eve/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2026/01/01,NOW',
  'projection.date.format' = 'yyyy/MM/dd',
  'storage.location.template' = 's3://${BUCKET}/eve/${date}/'
)
