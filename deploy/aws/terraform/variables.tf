variable "name" {
  type        = string
  default     = "mirrorsink"
  description = "Name of the stack, and owner of its mirror sessions"
}

variable "vpc_id" {
  type        = string
  description = "VPC of the sinks"
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets of the sinks, one in each zone"
}

variable "source_cidr" {
  type        = string
  default     = "10.0.0.0/8"
  description = "Network of the mirrored interfaces and of the subnets"
}

variable "package_url" {
  type        = string
  description = "The package of mirrorsink, .rpm or .deb, at https:// or s3://"
}

variable "package_sha256" {
  type        = string
  description = "The SHA-256 of the package"
}

variable "mail" {
  type        = string
  default     = ""
  description = "Where alerts and alarms are sent"
}

variable "parameters" {
  type        = map(string)
  default     = {}
  description = "Further parameters of the template by their names, such as { Size = \"2xlarge\" }"
}
