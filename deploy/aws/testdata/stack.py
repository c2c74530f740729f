"""Creates a stack at moto, on loopback, and prints what the services say of it as JSON. Arguments: the template, NAME=VALUE...

moto's CloudFormation leaves out the type of a load balancer, and the attributes of load balancers and target groups. Here it has them, by the
functions that moto's API of the load balancers itself calls, and TargetGroupFullName. ScalingPolicy, Alarm, BucketPolicy, public access blocks, Athena, Glue and RAM it does not create."""
import json
import os
import sys

for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("REGION", "eu-west-1"), ("DEFAULT_REGION", "eu-west-1"), ("CONFIG_FILE", "/none")):
    os.environ["AWS_" + name] = value

import boto3
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup, elbv2_backends
from moto.server import ThreadedMotoServer


def attributes(properties, key):
    return {a["Key"]: str(a["Value"]) for a in properties[key]}


def make_balancer(cls, resource_name, cloudformation_json, account_id, region_name, **_):
    p, backend = cloudformation_json["Properties"], elbv2_backends[account_id][region_name]
    made = backend.create_load_balancer(resource_name, p.get("SecurityGroups"), p["Subnets"], scheme=p["Scheme"], loadbalancer_type=p["Type"])
    backend.modify_load_balancer_attributes(made.arn, attributes(p, "LoadBalancerAttributes"))
    return made


make_group = FakeTargetGroup.create_from_cloudformation_json


def make_targets(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    made = make_group(resource_name, cloudformation_json, account_id, region_name, **kwargs)
    elbv2_backends[account_id][region_name].modify_target_group_attributes(made.arn, attributes(cloudformation_json["Properties"], "TargetGroupAttributes"))
    return made


FakeLoadBalancer.create_from_cloudformation_json = classmethod(make_balancer)
FakeTargetGroup.create_from_cloudformation_json = classmethod(make_targets)
FakeTargetGroup.get_cfn_attribute = lambda self, name: {"TargetGroupFullName": self.arn.rsplit(":", 1)[1]}[name]

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"

api = {name: boto3.client(name) for name in ("ec2", "cloudformation", "elbv2", "autoscaling", "iam", "sns", "s3", "ssm", "logs", "cloudwatch")}
vpc = api["ec2"].create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
zones = [z["ZoneName"] for z in api["ec2"].describe_availability_zones()["AvailabilityZones"]][:2]
subnets = [api["ec2"].create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=z)["Subnet"]["SubnetId"] for i, z in enumerate(zones)]

images = api["ec2"].describe_images(Owners=["amazon"])["Images"]
given = dict(a.split("=", 1) for a in sys.argv[2:])
for name, value in (("Vpc", vpc), ("Subnets", ",".join(subnets)), ("Subnet", subnets[0]), ("ImageId", images[0]["ImageId"])):
    if name in given:
        given[name] = value
with open(sys.argv[1]) as f:
    body = f.read()
api["cloudformation"].create_stack(
    StackName="mirror", TemplateBody=body, Capabilities=["CAPABILITY_IAM"],
    Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()])
stack = api["cloudformation"].describe_stacks(StackName="mirror")["Stacks"][0]
made = {r["LogicalResourceId"]: r for r in api["cloudformation"].list_stack_resources(StackName="mirror")["StackResourceSummaries"]}


def of(kind):
    return [r["PhysicalResourceId"] for r in made.values() if r["ResourceType"] == kind]


out = {"status": stack["StackStatus"], "zones": zones, "subnets": subnets, "made": {n: r["ResourceType"] for n, r in made.items()}}
if of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
    arn = of("AWS::ElasticLoadBalancingV2::LoadBalancer")[0]
    out["balancer"] = api["elbv2"].describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    out["balancer attributes"] = {a["Key"]: a["Value"] for a in api["elbv2"].describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
    out["listeners"] = api["elbv2"].describe_listeners(LoadBalancerArn=arn)["Listeners"]
    group = of("AWS::ElasticLoadBalancingV2::TargetGroup")[0]
    out["targets"] = api["elbv2"].describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    out["target attributes"] = {a["Key"]: a["Value"] for a in api["elbv2"].describe_target_group_attributes(TargetGroupArn=group)["Attributes"]}
out["groups"] = {
    name: api["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[r["PhysicalResourceId"]])["AutoScalingGroups"][0]
    for name, r in made.items() if r["ResourceType"] == "AWS::AutoScaling::AutoScalingGroup"}
out["templates"] = {
    name: api["ec2"].describe_launch_template_versions(LaunchTemplateId=r["PhysicalResourceId"])["LaunchTemplateVersions"][-1]["LaunchTemplateData"]
    for name, r in made.items() if r["ResourceType"] == "AWS::EC2::LaunchTemplate"}
out["security groups"] = api["ec2"].describe_security_groups(GroupIds=of("AWS::EC2::SecurityGroup"))["SecurityGroups"]
out["roles"] = {}
for role in of("AWS::IAM::Role"):
    names = api["iam"].list_role_policies(RoleName=role)["PolicyNames"]
    out["roles"][role] = {n: api["iam"].get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names}
out["subscriptions"] = api["sns"].list_subscriptions_by_topic(TopicArn=of("AWS::SNS::Topic")[0])["Subscriptions"]
bucket = of("AWS::S3::Bucket")[0]
out["encryption"] = api["s3"].get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
out["logs"] = {g["logGroupName"]: g.get("retentionInDays") for g in api["logs"].describe_log_groups()["logGroups"]}
out["dashboards"] = [json.loads(api["cloudwatch"].get_dashboard(DashboardName=d["DashboardName"])["DashboardBody"]) for d in api["cloudwatch"].list_dashboards()["DashboardEntries"]]
name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
out["images"] = {a: api["ssm"].get_parameter(Name=name + a)["Parameter"]["Value"] for a in ("arm64", "x86_64")}
print(json.dumps(out, default=str))
server.stop()
