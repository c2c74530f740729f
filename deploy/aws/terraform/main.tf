# The stack of ../mirrorsink.yaml from Terraform. It is a CloudFormation stack in Terraform's state and not the same resources again: there is one
# description of them, and it is the one that is tested. This file was only parsed: neither Terraform nor its provider was run.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

resource "aws_cloudformation_stack" "mirrorsink" {
  name          = var.name
  template_body = file("${path.module}/../mirrorsink.yaml")
  capabilities  = ["CAPABILITY_IAM"]

  parameters = merge(
    {
      Vpc           = var.vpc_id
      Subnets       = join(",", var.subnet_ids)
      SourceCidr    = var.source_cidr
      PackageUrl    = var.package_url
      PackageSha256 = var.package_sha256
      Mail          = var.mail
    },
    var.parameters,
  )

  timeouts {
    create = "30m"
    update = "60m"
  }
}
